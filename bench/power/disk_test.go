package power

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// disk is an ext4 file system on a loop device over a file: what the device was told to write is in the file, what is only in the page cache of
// the file system above is not. Copying the file is a power cut.
type disk struct {
	image, device, mount string
}

// missing says what the machine does not let us do; "": nothing.
func missing(programs ...string) string {
	if os.Geteuid() != 0 {
		return "needs root"
	}
	if os.Getenv(insideVariable) == "" {
		return "needs its own table of mounts"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return "needs " + p
		}
	}
	if !loopMounts() {
		return "needs loop mounts"
	}
	if slices.Contains(programs, "strace") && exec.Command("strace", "-o", os.DevNull, "true").Run() != nil {
		return "needs to be allowed to trace"
	}
	return ""
}

// loopMounts tells whether a file can be made a file system and mounted: root alone is not enough in a container.
var loopMounts = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "gongji-loop-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "at")
	if os.WriteFile(image, make([]byte, 4<<20), 0o600) != nil || os.Mkdir(at, 0o700) != nil {
		return false
	}
	if exec.Command("mkfs.ext4", "-q", image).Run() != nil || exec.Command("mount", "-o", "loop", image, at).Run() != nil {
		return false
	}
	return exec.Command("umount", at).Run() == nil
})

// imageDir is where images lie: in memory if there is room, so that a copy takes a moment.
func imageDir(t *testing.T) string {
	t.Helper()
	const memory, roomMin = "/dev/shm", 4 << 30 // ten images of a few hundred MiB, most of them holes
	var st syscall.Statfs_t
	if syscall.Statfs(memory, &st) != nil || int64(st.Bavail)*st.Bsize < roomMin {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "gongji-power-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// newDisk makes an empty file system of so many MiB and mounts it.
func newDisk(t *testing.T, mib int64) *disk {
	t.Helper()
	d := &disk{image: filepath.Join(imageDir(t), "image")}
	f, err := os.Create(d.image)
	if err == nil {
		err = errors.Join(f.Truncate(mib<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", "-m", "0", d.image)
	d.attach(t)
	return d
}

// attach mounts the image. Whatever comes, the mount and the device end with the test.
func (d *disk) attach(t *testing.T) {
	t.Helper()
	d.device = strings.TrimSpace(run(t, "losetup", "--find", "--show", d.image))
	d.mount = t.TempDir()
	err := syscall.Mount(d.device, d.mount, "ext4", 0, "")
	run(t, "losetup", "--detach", d.device) // now it ends with the mount
	if err != nil {
		t.Fatalf("mount %s: %v", d.image, err)
	}
	t.Cleanup(func() { d.detach(t) })
}

// detach takes the file system away. A second time it does nothing.
func (d *disk) detach(t *testing.T) {
	t.Helper()
	if d.device == "" {
		return
	}
	if err := syscall.Unmount(d.mount, 0); err != nil {
		t.Errorf("unmount: %v", err)
		_ = syscall.Unmount(d.mount, syscall.MNT_DETACH)
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil || bytes.Contains(mounts, []byte(d.mount)) {
		t.Errorf("a mount is left behind (%v)", err)
	}
	if left := run(t, "losetup", "--associated", d.image); left != "" {
		t.Errorf("a loop device is left behind: %s", left)
	}
	d.device = ""
}

// powerCut copies what the device holds at one moment: the file system's own writers may be at work, so a copy during which the device was
// written to is made again.
func (d *disk) powerCut(t *testing.T) *disk {
	t.Helper()
	for range 50 {
		before := d.written(t)
		to := filepath.Join(imageDir(t), "image")
		run(t, "cp", "--sparse=always", d.image, to)
		if d.written(t) == before {
			return &disk{image: to}
		}
	}
	t.Fatal("the device is never still")
	return nil
}

// written counts the device's finished and unfinished writes.
func (d *disk) written(t *testing.T) string {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(d.device), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(stat))
	return fmt.Sprint(f[4], f[6], f[8]) // writes, sectors written, in flight
}

// flush writes everything to the device.
func (d *disk) flush(t *testing.T) {
	t.Helper()
	run(t, "sync", "--file-system", d.mount)
}

// run runs a program that must succeed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
