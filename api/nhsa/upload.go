package nhsa

import (
	"bytes"
	"encoding/base64"

	"gongji/api"
)

var (
	uploadData = newNode("fsUploadIn", "文件上传", 0,
		field{name: "in", kind: kindAny, need: should, length: api.NationalFileMax, text: "文件数据"}, // not in a multipart message
		text("filename", 200, must, "文件名"), token("fixmedins_code", 30, must, "医药机构编号"))
	uploadIn   = uploadData.at("in")
	uploadName = uploadData.at("filename")
	uploadCode = uploadData.at("fixmedins_code")

	// uploadInfo has no name in the table: its fields are output's own.
	uploadInfo = newNode("", "文件信息", 0,
		token("file_qury_no", 30, must, "文件查询号"), text("filename", 200, must, "文件名"), token("fixmedins_code", 30, must, "医药机构编号"), moment("dld_endtime", may, "下载截止时间"))

	downloadData = newNode("fsDownloadIn", "文件下载", 0,
		token("file_qury_no", 64, must, "文件查询号"), text("filename", 200, should, "文件名"), token("fixmedins_code", 30, must, "医药机构编号"))
	downloadNo   = downloadData.at("file_qury_no")
	downloadCode = downloadData.at("fixmedins_code")
)

// Files are there for reconciliation, so no sign-in is asked for (R30).
var fileUpload = transaction{infno: "9101", text: "文件上传", input: inputOf(inside(uploadData, must)), output: []*node{uploadInfo},
	paths: []string{pathUpload}, anytime: true, handle: (*face).uploadFile}

// fileDownload's output is the file itself, as application/octet-stream; only a refusal is a message.
var fileDownload = transaction{infno: "9102", text: "文件下载", input: inputOf(inside(downloadData, must)),
	paths: []string{pathDownload}, anytime: true, handle: (*face).downloadFile}

// uploadFile is 9101: the file lay beside the message (multipart) or lies in it.
func (f *face) uploadFile(m *message) fault {
	d, _ := m.child(m.in, 0)
	if x := sameInstitution(m, m.get(d, uploadCode).text, "fsUploadIn.fixmedins_code"); x.bad() {
		return x
	}
	if _, x := f.placeOf(m.institution()); x.bad() {
		return x
	}
	data := m.file
	if data == nil {
		ok := true
		if data, ok = fileBytes(m.get(d, uploadIn).text); !ok {
			return fault{code: codeBadValue, where: "fsUploadIn.in", label: "文件数据", text: "既不是Base64文本也不是字节数组"}
		}
	}
	if len(data) == 0 {
		return fault{code: codeMissing, where: "fsUploadIn.in", label: "文件数据"}
	}
	k := f.files.add(m.institution(), string(m.get(d, uploadName).text), bytes.Clone(data), m.gotMS)
	if k == nil {
		return fault{code: codeBusy, text: "文件暂存空间已满，请稍后重新上传"}
	}
	o := &m.out
	o.str("file_qury_no", k.no)
	o.str("filename", k.name)
	o.text("fixmedins_code", m.header(envCode))
	o.moment("dld_endtime", k.untilMS)
	return fault{}
}

// downloadFile is 9102. There are no catalogue files here, whose owner would be the fixed value plc.
func (f *face) downloadFile(m *message) fault {
	d, _ := m.child(m.in, 0)
	if x := sameInstitution(m, m.get(d, downloadCode).text, "fsDownloadIn.fixmedins_code"); x.bad() {
		return x
	}
	k := f.files.get(m.institution(), m.get(d, downloadNo).text, m.gotMS)
	if k == nil {
		return noFile("fsDownloadIn.file_qury_no")
	}
	m.download = k.data
	return fault{}
}

func noFile(where string) fault {
	return fault{code: codeNotFound, where: where, label: "文件查询号", text: "未查到本机构的该文件或已过下载截止时间，请重新上传"}
}

// sameInstitution refuses another institution's code than the message's.
func sameInstitution(m *message, code []byte, where string) fault {
	if string(code) != string(m.header(envCode)) {
		return fault{code: codeBadValue, where: where, text: "与报文的定点医药机构编号不一致"}
	}
	return fault{}
}

// fileBytes reads a file in a message: Base64, or a list of bytes as numbers from 0 to 255 or, as Java has them, from -128 to 127. The list may stand
// in a text.
func fileBytes(text []byte) ([]byte, bool) {
	if len(text) == 0 || text[0] != '[' {
		data, err := base64.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(text, "=")) // with or without padding and line ends
		return data, err == nil
	}
	var r reader
	r.reset(text)
	if r.open('[') != "" {
		return nil, false
	}
	data := make([]byte, 0, len(text)/4)
	for {
		more, x := r.more(']', len(data) == 0)
		if x != "" {
			return nil, false
		}
		if !more {
			return data, r.peek() == 0 && r.pos == len(r.data)
		}
		s, x := r.bare()
		if x != "" {
			return nil, false
		}
		n, x := parseNumber(s, 3, 0)
		if x != "" || n < -128 || n > 255 {
			return nil, false
		}
		data = append(data, byte(n))
	}
}
