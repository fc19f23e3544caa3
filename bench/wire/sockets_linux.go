package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// sockets are TCP connections behind one epoll of their own: Go's poller rounds the end of a wait up to a millisecond, as much as a whole settlement
// takes, and costs a goroutine switch and a second read an answer. One goroutine, locked to its thread.
type sockets struct {
	origin time.Time
	epoll  int
	files  []*os.File
	fds    []int
	events []syscall.EpollEvent
}

// dial opens connections to host:port. The caller stays on its goroutine and calls close.
func dial(server string, connections int) (*sockets, error) {
	runtime.LockOSThread()
	s := &sockets{origin: time.Now(), events: make([]syscall.EpollEvent, min(connections, eventsMax)), epoll: -1}
	if err := s.connect(server, connections); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sockets) connect(server string, connections int) (err error) {
	if s.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("wire: epoll: %w", err)
	}
	// Waits end within a microsecond of what was asked for, not 50: it is a wish, so nothing is made of a refusal.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0)
	for i := range connections {
		f, err := open(server)
		if err != nil {
			return err
		}
		fd := int(f.Fd())
		s.files, s.fds = append(s.files, f), append(s.fds, fd)
		if err := errors.Join(syscall.SetNonblock(fd, true), s.control(syscall.EPOLL_CTL_ADD, i, syscall.EPOLLIN)); err != nil {
			return fmt.Errorf("wire: epoll: %w", err)
		}
	}
	return nil
}

// eventsMax are taken from the kernel at a time; those left over come with the next wait.
const eventsMax = 512

const (
	prSetTimerslack = 29
	// sysEpollPwait2 takes nanoseconds; the number is the same on all architectures Go has it for. Linux 5.11.
	sysEpollPwait2 = 441
	dialTimeout    = 5 * time.Second
)

// open connects. The file is a copy that Go's poller does not watch.
func open(server string) (*os.File, error) {
	c, err := net.DialTimeout("tcp", server, dialTimeout) // no delay of small segments: Go's default
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	f, err := c.(*net.TCPConn).File()
	if err = errors.Join(err, c.Close()); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return f, nil
}

func (s *sockets) control(op, c int, events uint32) error {
	return syscall.EpollCtl(s.epoll, op, s.fds[c], &syscall.EpollEvent{Events: events, Fd: int32(c)})
}

func (s *sockets) close() {
	for _, f := range s.files {
		f.Close()
	}
	if s.epoll >= 0 {
		syscall.Close(s.epoll)
	}
	runtime.UnlockOSThread()
}

func (s *sockets) now() int64 { return int64(time.Since(s.origin)) }

func (s *sockets) cpu() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func (s *sockets) wait(until int64, ready []int) []int {
	left := syscall.NsecToTimespec(max(0, until-s.now()))
	n, _, err := syscall.Syscall6(sysEpollPwait2, uintptr(s.epoll), uintptr(unsafe.Pointer(&s.events[0])), uintptr(len(s.events)), uintptr(unsafe.Pointer(&left)), 0, 0)
	if err != 0 {
		if err != syscall.EINTR {
			panic(fmt.Sprintf("wire: epoll_pwait2: %v", err)) // a kernel before 5.11, or a fault of this file
		}
		return ready
	}
	for i := range int(n) {
		ready = append(ready, int(s.events[i].Fd))
	}
	return ready
}

func again(err error) bool { return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) }

func (s *sockets) read(c int, buf []byte) (int, error) {
	n, err := syscall.Read(s.fds[c], buf)
	switch {
	case err == nil && n == 0:
		return 0, io.EOF
	case err == nil:
		return n, nil
	case again(err):
		return 0, nil
	}
	return 0, err
}

func (s *sockets) write(c int, buf []byte) (int, error) {
	n, err := syscall.Write(s.fds[c], buf)
	if err != nil && again(err) {
		return 0, nil
	}
	return max(n, 0), err
}

func (s *sockets) blocked(c int, yes bool) {
	events := uint32(syscall.EPOLLIN)
	if yes {
		events |= syscall.EPOLLOUT
	}
	if err := s.control(syscall.EPOLL_CTL_MOD, c, events); err != nil {
		panic(fmt.Sprintf("wire: epoll_ctl: %v", err))
	}
}

func (s *sockets) shut(c int) {
	_ = s.control(syscall.EPOLL_CTL_DEL, c, 0) // closing would do it too
	s.files[c].Close()
	s.fds[c] = -1
}
