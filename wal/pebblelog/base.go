package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// A base record names the position before something: in the file BASE the one
// before the first kept record, in a segment's header the one before its first
// record. It is an encoded record of sequence 0 whose "previous link" is that
// position's link and whose payload is its sequence, so it has our checksum and
// identity, and an empty log has an identity too.
const (
	baseName     = "BASE"
	basePayload  = 8
	baseBytesMax = 1 << 10 // more than a base record has; a longer file is damage
)

func encodeBase(id *wal.Identity, base wal.Position) []byte {
	payload := binary.LittleEndian.AppendUint64(nil, base.Sequence)
	raw, _ := wal.AppendRecord(nil, id, 0, base.Link, payload)
	return raw
}

func decodeBase(id *wal.Identity, raw []byte) (wal.Position, error) {
	d, err := wal.DecodeRecord(raw, id, 0)
	if err != nil {
		return wal.Position{}, err
	}
	if len(d.Payload) != basePayload {
		return wal.Position{}, fmt.Errorf("%w: base of %d bytes", wal.ErrFormat, len(d.Payload))
	}
	return wal.Position{Sequence: binary.LittleEndian.Uint64(d.Payload), Link: d.Previous}, nil
}

// writeBase replaces the file BASE: afterwards the new one is durable.
func writeBase(fs vfs.FS, dir string, id *wal.Identity, base wal.Position) error {
	path := fs.PathJoin(dir, baseName)
	file, err := fs.Create(path+newSuffix, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(encodeBase(id, base))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+newSuffix, path); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func readBase(fs vfs.FS, dir string, id *wal.Identity) (wal.Position, error) {
	path := fs.PathJoin(dir, baseName)
	raw, err := readFile(fs, path, baseBytesMax)
	if oserror.IsNotExist(err) {
		return wal.Position{}, &wal.CorruptionError{File: path, Offset: 0, Expected: "a base beside the segments", Found: "no file"}
	} else if err != nil {
		return wal.Position{}, fmt.Errorf("read base %s: %w", path, err)
	}
	base, err := decodeBase(id, raw)
	var corruption *wal.CorruptionError
	if errors.As(err, &corruption) {
		corruption.File, corruption.Offset = path, 0
	} else if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return base, err
}
