package nhsa

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"

	"gongji/api"
)

// Parts of a multipart message (nhsa-inpatient.md 4, rule 25). Others are passed over: senders add fields of their own.
const (
	partMessage = "jsonStr"
	partFile    = "file"
	// partsMax of a message: the two, and room for a sender's own.
	partsMax = 8
	// uploadsMax at a time: each holds its body and a copy of its file, 32 MiB at worst, before the store has it.
	uploadsMax = 8
)

// uploadRoutes are what an address takes beside messages of JSON: 9101 with its file beside the message, or as a message of up to the same size.
func (f *face) uploadRoutes(path string) []api.Route {
	infnos := map[string]bool{fileUpload.infno: true}
	route := func(media api.Media, read func(*api.Call, []byte) ([]byte, []byte, fault)) api.Route {
		r := f.route(path, infnos)
		r.Media, r.BodyMax = media, api.NationalFileMax
		r.Handler = func(c *api.Call) {
			body, ok := c.Body()
			if !ok {
				return
			}
			defer f.uploads.Add(-1)
			if f.uploads.Add(1) > uploadsMax {
				f.serveMessage(c, nil, nil, fault{code: codeBusy}, infnos, false)
				return
			}
			text, file, x := read(c, body)
			f.serveMessage(c, text, file, x, infnos, path == pathByNumber)
		}
		return r
	}
	return []api.Route{
		route(api.OctetStream, func(_ *api.Call, body []byte) ([]byte, []byte, fault) { return body, nil, fault{} }),
		route(api.Multipart, readParts),
	}
}

// readParts finds message and file of a multipart body.
func readParts(c *api.Call, body []byte) (text, file []byte, x fault) {
	_, params, err := mime.ParseMediaType(string(c.Header("Content-Type")))
	if err != nil || params["boundary"] == "" {
		return nil, nil, fault{code: codeMalformed, where: "multipart", text: "Content-Type缺少boundary"}
	}
	return splitParts(body, params["boundary"])
}

func splitParts(body []byte, boundary string) (text, file []byte, x fault) {
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		part, err := r.NextRawPart()
		if err == io.EOF && text != nil && file != nil {
			return text, file, fault{}
		}
		switch {
		case err == io.EOF && text == nil:
			return nil, nil, fault{code: codeMissing, where: partMessage, text: "缺少报文部分"}
		case err == io.EOF:
			return nil, nil, fault{code: codeMissing, where: partFile, text: "缺少文件部分"}
		case err != nil:
			return nil, nil, fault{code: codeMalformed, where: "multipart", text: "不是规范的multipart报文"}
		case n == partsMax:
			return nil, nil, fault{code: codeTooMany, where: "multipart", limit: partsMax}
		}
		into := &text
		switch part.FormName() {
		case partMessage:
		case partFile:
			into = &file
		default:
			continue
		}
		if *into != nil {
			return nil, nil, fault{code: codeDuplicate, where: part.FormName()}
		}
		var b bytes.Buffer
		b.Grow(len(body)/8 + bytes.MinRead)
		if _, err := b.ReadFrom(part); err != nil {
			return nil, nil, fault{code: codeMalformed, where: part.FormName(), text: "不是规范的multipart报文"}
		}
		if *into = b.Bytes(); *into == nil {
			*into = []byte{}
		}
	}
}
