package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"

	"gongji/bench/result"
)

// fileBytesMax of a report that is read: a case with 3 runs of a minute, a point every 100 ms and whole histograms is about 0.5 MB, a suite 30 cases.
const fileBytesMax = 64 << 20

// ErrFormat says that a file is no report of this program's format.
var ErrFormat = errors.New("not a benchmark report of a known format")

// Write puts a report into a file as JSON: whole and durable, or not at all. Figures that are no numbers become 0 in r, with a note.
func Write(path string, r *result.Report) error {
	r.Format = result.Format
	if n := finite(reflect.ValueOf(r).Elem()); n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d figures were no numbers and stand as 0", n))
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write a report: %w", err)
	}
	return writeWhole(path, append(text, '\n'))
}

// writeWhole replaces a file by rename, synced before.
func writeWhole(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Read reads a report strictly: the format must be known, every field too, and nothing may follow.
func Read(path string) (*result.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err != nil {
		return nil, err
	}
	if len(text) > fileBytesMax {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, fileBytesMax)
	}
	return decode(text)
}

func decode(text []byte) (*result.Report, error) {
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if head.Format == nil {
		return nil, fmt.Errorf("%w: it names no format", ErrFormat)
	}
	if *head.Format != result.Format {
		return nil, fmt.Errorf("%w: format %d, this program reads %d", ErrFormat, *head.Format, result.Format)
	}
	r := &result.Report{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	seen := map[string]bool{}
	for i := range r.Cases {
		if id := r.Cases[i].ID; id == "" || seen[id] {
			return nil, fmt.Errorf("%w: case %q is there twice or has no name", ErrFormat, id)
		}
		seen[r.Cases[i].ID] = true
	}
	return r, nil
}

// finite puts 0 in the place of every float that JSON cannot hold and counts them.
func finite(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			v.SetFloat(0)
			return 1
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return finite(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return 0
		}
		for i := range v.Len() {
			n += finite(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += finite(v.Field(i))
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if e := v.MapIndex(key); e.Kind() == reflect.Float64 && (math.IsNaN(e.Float()) || math.IsInf(e.Float(), 0)) {
				v.SetMapIndex(key, reflect.ValueOf(0.0))
				n++
			}
		}
	}
	return n
}
