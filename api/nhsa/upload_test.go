package nhsa

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"

	"gongji/api"
)

func (f *fixture) message(infno, code, input string) string {
	return sent{infno: infno, msgid: f.msgid(), code: code, input: input}.body()
}

func uploadInput(in, code string) string {
	return fmt.Sprintf(`{"fsUploadIn":{"in":%s,"filename":"a.zip","fixmedins_code":%q}}`, in, code)
}

// multipartOf is a body with a message and a file, and its Content-Type.
func multipartOf(t testing.TB, text string, file []byte) (body, media string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "a.zip")
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.WriteField("jsonStr", text)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// upload sends a file as the sample client does and gives its number.
func (f *fixture) upload(code string, file []byte) string {
	f.t.Helper()
	body, media := multipartOf(f.t, f.message("9101", code, uploadInput(`""`, code)), file)
	a := f.sendAs(pathCall, media, body).ok("filename", "a.zip", "fixmedins_code", code)
	checkTables(f.t, "9101", a)
	return a.str("output.file_qury_no")
}

func (f *fixture) downloadMessage(code, no string) string {
	return f.message("9102", code, fmt.Sprintf(`{"fsDownloadIn":{"file_qury_no":%q,"filename":"a.zip","fixmedins_code":%q}}`, no, code))
}

// fetch posts a message whose answer should be a file; false: it is none.
func (f *fixture) fetch(path, body string) ([]byte, bool) {
	f.t.Helper()
	resp, err := f.client.Post(f.business+path, "application/json", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		f.t.Fatal(resp.StatusCode, err)
	}
	return data, resp.Header.Get("Content-Type") == "application/octet-stream"
}

// download fetches a file; a refusal is an answer.
func (f *fixture) download(code, no string) ([]byte, *answer) {
	f.t.Helper()
	body := f.downloadMessage(code, no)
	if data, ok := f.fetch(pathDownload, body); ok {
		return data, nil
	}
	return nil, f.send(pathDownload, body)
}

// A file comes back as it went, whatever way it went: beside the message, in it as Base64 or as a list of bytes, as JSON or as a byte stream of up to
// 16 MiB; to its owner alone, at every address, and for its hours.
func TestFiles(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	other := f.institution("H42010000002", "1")
	file := []byte("PK\x03\x04\x00\xff\r\n--X--\r\n文件")
	var list []string
	for _, c := range file {
		list = append(list, fmt.Sprint(int8(c)))
	}
	base := `"` + base64.StdEncoding.EncodeToString(file) + `"`
	numbers := "[" + strings.Join(list, ",") + "]"
	large := bytes.Repeat([]byte("0123456789abcdef"), 11<<16) // 11 MiB: 14.7 in Base64
	multi := func(file []byte) (string, string) {
		return multipartOf(t, f.message("9101", shopCode, uploadInput(`"[]"`, shopCode)), file)
	}
	multiBody, multiMedia := multi(file)
	hugeBody, hugeMedia := multi(bytes.Repeat([]byte{7}, api.NationalFileMax-4096))
	for name, c := range map[string]struct {
		path, media, body string
		want              []byte
	}{
		"multipart":             {pathCall, multiMedia, multiBody, file},
		"multipart, 16 MiB":     {pathUpload, hugeMedia, hugeBody, bytes.Repeat([]byte{7}, api.NationalFileMax-4096)},
		"base64":                {pathUpload, "application/json", f.message("9101", shopCode, uploadInput(base, shopCode)), file},
		"list":                  {"/hsa/hgs/9101", "text/plain", f.message("9101", shopCode, uploadInput(numbers, shopCode)), file},
		"list in a text":        {pathCall, "application/json", f.message("9101", shopCode, uploadInput(`"`+numbers+`"`, shopCode)), file},
		"byte stream":           {"/hsa/hgs/9101", "application/octet-stream", f.message("9101", shopCode, uploadInput(base, shopCode)), file},
		"byte stream of 11 MiB": {pathCall, "application/octet-stream", f.message("9101", shopCode, uploadInput(`"`+base64.StdEncoding.EncodeToString(large)+`"`, shopCode)), large},
	} {
		a := f.sendAs(c.path, c.media, c.body).ok("dld_endtime", "2026-03-10 16:00:00")
		checkTables(t, "9101", a)
		no := a.str("output.file_qury_no")
		if got, refused := f.download(shopCode, no); refused != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %d bytes come back, want %d", name, len(got), len(c.want))
		}
		if _, refused := f.download(other, no); refused == nil || !strings.HasPrefix(refused.str("err_msg"), "[not_found] fsDownloadIn.file_qury_no") {
			t.Errorf("%s: given to another institution", name)
		}
	}
	no := f.upload(shopCode, file)
	before := f.sequence()
	f.clock.ms.Add(fileHours*3600*1000 - 60_000)
	if got, _ := f.download(shopCode, no); !bytes.Equal(got, file) {
		t.Error("gone before its time")
	}
	f.clock.ms.Add(60_000)
	if _, refused := f.download(shopCode, no); refused == nil {
		t.Error("kept beyond its time")
	}
	if f.sequence() != before {
		t.Error("files are in the log")
	}
}

func TestBadFiles(t *testing.T) {
	f := start(t, setup{opt: Options{RequireSignIn: true}}) // R30: no sign-in for what serves reconciliation
	f.shop()
	file := []byte("PK")
	text := f.message("9101", shopCode, uploadInput(`""`, shopCode))
	body, media := multipartOf(t, text, file)
	part := func(text string) *answer {
		b, m := multipartOf(t, text, file)
		return f.sendAs(pathCall, m, b)
	}
	f.send(pathCall, text).refused("missing_field", "fsUploadIn.in")
	f.send(pathCall, strings.Replace(text, `"in":""`, `"in":"SECRET*"`, 1)).refused("bad_value", "fsUploadIn.in")
	f.send(pathCall, strings.Replace(text, `"in":""`, `"in":{"a":1}`, 1)).refused("bad_value", "fsUploadIn.in")
	f.send(pathCall, strings.Replace(text, `"in":"","filename"`, `"in":"UEs=","file"`, 1)).refused("missing_field", "fsUploadIn.filename")
	f.sendAs(pathCall, "application/octet-stream", "PK\x03\x04").refused("wrong_type", "")
	f.sendAs(pathCall, "multipart/form-data", body).refused("malformed", "multipart")
	f.sendAs(pathCall, media, strings.ReplaceAll(body, "jsonStr", "jsonstr")).refused("missing_field", "jsonStr")
	f.sendAs(pathCall, media, strings.ReplaceAll(body, `"file"`, `"datei"`)).refused("missing_field", "file")
	f.sendAs(pathCall, media, body[:len(body)-6]).refused("malformed", "jsonStr")
	part(text+"x").refused("trailing_data", "")
	part(strings.ReplaceAll(text, `"9101"`, `"9102"`)).refused("missing_field", "fsDownloadIn")
	part(f.downloadMessage(shopCode, "F1")).refused("wrong_infno", "infno")
	part(strings.Replace(text, `"fixmedins_code":"`+shopCode+`"}}`, `"fixmedins_code":"P42010000099"}}`, 1)).refused("bad_value", "fsUploadIn.fixmedins_code")
	part(strings.ReplaceAll(text, shopCode, "P42010000099")).refused("unknown_institution", "fixmedins_code")
	part(text).ok()
	for _, code := range []string{"plc", "P42010000099"} { // no catalogue files
		f.send(pathCall, f.message("9102", shopCode, fmt.Sprintf(`{"fsDownloadIn":{"file_qury_no":"F1","filename":"a","fixmedins_code":%q}}`, code))).refused("bad_value", "fsDownloadIn.fixmedins_code")
	}
	f.send(pathDownload, f.downloadMessage(shopCode, "F1")).refused("not_found", "fsDownloadIn.file_qury_no")
	for name, c := range map[string]struct {
		path, media string
		size        int
		want        int
	}{
		"message of a file": {pathCall, "application/json", api.NationalBodyMax + 1, 413}, "stream": {pathUpload, "application/octet-stream", api.NationalFileMax + 1, 413},
		"multipart": {pathCall, media, api.NationalFileMax + 1, 413}, "another service": {pathSettle, media, 10, 415}, "stream of a download": {pathDownload, "application/octet-stream", 10, 415},
	} {
		if got := f.announce(c.path, c.media, c.size); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// announce sends the head of a request with a body of a size, and ten bytes of it, and gives the status of the answer.
func (f *fixture) announce(path, media string, size int) int {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.server.BusinessAddr())
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n0123456789", path, media, size)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// What is under way at a time is bounded, and so are the files of all: the one behind is told to come again.
func TestFilesBusy(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	body, media := multipartOf(t, f.message("9101", shopCode, uploadInput(`""`, shopCode)), []byte("PK"))
	f.face.uploads.Add(uploadsMax)
	f.sendAs(pathCall, media, body).refused("overloaded", "")
	f.face.uploads.Add(-uploadsMax)
	f.sendAs(pathCall, media, body).ok()
	f.face.files.begin(fileLimits{keepMS: 1000, institutionBytes: 10, institutionFiles: 10, bytes: 10, files: 0})
	f.sendAs(pathCall, media, body).refused("overloaded", "")
	if n := f.face.uploads.Load(); n != 0 {
		t.Errorf("%d uploads under way", n)
	}
}
