package till

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
)

// Files of the reconciliation are text with TAB between the items, a record a line, an empty value as the word null, in a ZIP (nhsa-interface.md 1.4, 4).

const (
	// fileMax is what is unpacked of an answer's file: 100,000 rows of 10 items take about 16 MiB.
	fileMax = 32 << 20
	empty   = "null"
)

// errFile says that a file cannot be read.
var errFile = errors.New("till: file of the reconciliation")

// packStatement makes the file of 3202: one row for a settlement, one with negative amounts for a refund.
func packStatement(name string, rows []Row) ([]byte, error) {
	var text bytes.Buffer
	for i := range rows {
		r := &rows[i]
		flag, sign := "0", Fen(1)
		if r.Refund {
			flag, sign = "1", -1
		}
		for k, v := range []string{r.SetlID, r.MdtrtID, r.PsnNo, (sign * r.Medfee).String(), (sign * r.Fund).String(), (sign * r.Acct).String(), flag} {
			if k > 0 {
				text.WriteByte('\t')
			}
			if v == "" {
				v = empty
			}
			text.WriteString(v)
		}
		text.WriteByte('\n')
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write(text.Bytes())
	}
	err = errors.Join(err, z.Close()) // writes the directory: before out is read
	return out.Bytes(), err
}

// Verdict is a row of 3202's result. The amounts may be missing.
type Verdict struct {
	PsnNo, MdtrtID, SetlID, Msgid, Result, Refund, Memo string
	Medfee, Fund, Acct                                  Fen
}

// verdictItems of a row: memo and the amounts may be missing.
const verdictItems = 6

// unpackVerdicts reads the result file. Items behind the ten of the table are left alone: some regions have more (1.13, 5).
func unpackVerdicts(packed []byte) (list []Verdict, err error) {
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(z.File) != 1 {
		return nil, fmt.Errorf("%w: a ZIP with one file expected: %w", errFile, errors.Join(err))
	}
	f, err := z.File[0].Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFile, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err = errors.Join(err, f.Close()); err != nil || len(text) > fileMax {
		return nil, fmt.Errorf("%w: more than %d bytes, or damaged: %w", errFile, fileMax, errors.Join(err))
	}
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		item := strings.Split(line, "\t")
		if len(item) < verdictItems {
			return nil, fmt.Errorf("%w: line %d has %d items", errFile, n+1, len(item))
		}
		for i := range item {
			if item[i] == empty {
				item[i] = ""
			}
		}
		v := Verdict{PsnNo: item[0], MdtrtID: item[1], SetlID: item[2], Msgid: item[3], Result: item[4], Refund: item[5]}
		item = append(item, "", "", "", "")
		v.Memo = item[verdictItems]
		for i, to := range []*Fen{&v.Medfee, &v.Fund, &v.Acct} {
			if text := item[verdictItems+1+i]; text != "" {
				if *to, err = parseFen(text); err != nil {
					return nil, fmt.Errorf("%w: line %d: %w", errFile, n+1, err)
				}
			}
		}
		list = append(list, v)
	}
	return list, nil
}

// upload is 9101: multipart, the message as the part jsonStr and the bytes as the part file, like the specification's sample client
// (nhsa-inpatient.md 4, rule 25).
func (t *Till) upload(ctx context.Context, name string, data []byte) (number string, err error) {
	input := newInput(func(o *object) {
		o.node("fsUploadIn", func(o *object) { o.texts("filename", name, "fixmedins_code", t.Code) })
	})
	var r *Reply
	for range triesMax {
		m := t.write(infUpload, t.NextMsgid(), input)
		m.file, m.name = data, name
		if r = t.exchange(ctx, m); r.Result != Unknown || ctx.Err() != nil {
			break
		}
	}
	if err := r.err(); err != nil {
		return "", err
	}
	if number = r.Output.Text("file_qury_no"); number == "" { // the table has no node of its own
		for _, node := range []string{"fsUploadOut", "fsUploadIn", "data"} {
			if v := r.Output.Child(node).Text("file_qury_no"); v != "" {
				number = v
			}
		}
	}
	if number == "" {
		return "", fmt.Errorf("%w: 9101 tells no file_qury_no", errFile)
	}
	return number, nil
}

// attached makes a multipart body of a message and its file.
func attached(body []byte, name string, file []byte) (whole []byte, media string, err error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	err = w.WriteField("jsonStr", string(body))
	part, err2 := w.CreateFormFile("file", name)
	if err = errors.Join(err, err2); err != nil {
		return nil, "", err
	}
	_, err = part.Write(file)
	err = errors.Join(err, w.Close())
	return out.Bytes(), w.FormDataContentType(), err
}

// download is 9102: the answer is the file's bytes.
func (t *Till) download(ctx context.Context, number, name string) ([]byte, error) {
	r, err := t.ask(ctx, infDownload, func(o *object) {
		o.node("fsDownloadIn", func(o *object) { o.texts("file_qury_no", number, "filename", name, "fixmedins_code", t.Code) })
	})
	if err != nil {
		return nil, err
	}
	if r.File == nil {
		return nil, fmt.Errorf("%w: 9102 answered no file", errFile)
	}
	return r.File, nil
}
