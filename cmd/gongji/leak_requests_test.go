package main

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gongji/bench/leak"
	"gongji/bench/proof"
	"gongji/engine/policy"
)

// leakRequest is one request; its path and body may hold $names (fill).
type leakRequest struct {
	name, method, path, media, body string
	admin, national, spoiled        bool
	headers                         map[string]string
}

// fill puts secrets and what answers have told in the place of names; $msgid is new each time.
func (s *leakServer) fill(text string) string {
	for strings.Contains(text, "$msgid") {
		s.serial++
		text = strings.Replace(text, "$msgid", fmt.Sprintf("L%d-%07d", s.cmd.Process.Pid, s.serial), 1)
	}
	pairs := []string{"$son", leakSecrets[leakSon].Text, "$mother", leakSecrets[leakMother].Text, "$name", leakSecrets[leakName].Text, "$operator", leakSecrets[leakOperator].Text,
		"$phone", leakSecrets[leakPhone].Text, "$password", leakSecrets[leakPassword].Text, "$wrongpassword", leakSecrets[leakWrongPassword].Text, "$token", leakSecrets[leakToken].Text}
	for _, name := range []string{"setl_id", "binding_id", "mdtrt_id", "sign_no", "file_qury_no", "premium_id"} {
		pairs = append(pairs, "$"+name, s.told[name])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

var leakTold = regexp.MustCompile(`"(setl_id|binding_id|mdtrt_id|sign_no|file_qury_no|premium_id)":"([^"]+)"`)

func (s *leakServer) learn(answer []byte) {
	for _, m := range leakTold.FindAllSubmatch(answer, -1) {
		s.told[string(m[1])] = string(m[2])
	}
}

func leakPerson(psnNo, certno, name, insutype string) string {
	return fmt.Sprintf(`{"psn_no":%q,"psn_cert_type":"01","certno":%q,"psn_name":%q,"phone":"$phone","gend":"1","brdy":"1980-01-02","has_account":true,"evoucher_active":true,"enrolments":[{"insutype":%q,`+
		`"psn_type":"11","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":"420100","begndate":"2015-01-01"}]}`, psnNo, certno, name, insutype)
}

const leakBill = `{"msgid":"$msgid","fixmedins_code":"P42010000001","psn_no":"42010000000001","mdtrt_cert_type":"02","mdtrt_cert_no":"$son","med_type":"11","insutype":"310","medfee_sumamt":"460.00",` +
	`"fund_pay_sumamt":"276.00","preselfpay_amt":"0.00","inscp_scp_amt":"460.00","overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","passwords":[{"authorizer_psn_no":"42010000000002","password":"$password"}],` +
	`"agent":{"cert_type":"01","certno":"$mother","name":"$name","relation":"1","principal_doc_shown":true},"opter":"0001","opter_name":"$operator"}`

// leakGood are requests of /v1 that hold secrets where they belong, and questions about what came of them.
func leakGood() []leakRequest {
	post := func(path, body string) leakRequest {
		return leakRequest{method: "POST", path: path, media: "application/json", body: body}
	}
	admin := func(path, body string) leakRequest { r := post(path, body); r.admin = true; return r }
	get := func(path string) leakRequest { return leakRequest{method: "GET", path: path} }
	ndjson := func(r leakRequest) leakRequest { r.media = "application/x-ndjson"; return r }
	policyText := strings.NewReplacer("version = 1\n", "version = 2\n", `account_password = "none"`, `account_password = "force_change"`, `password_tries = "none"`, "password_tries = 5",
		`password_lock_minutes = "none"`, "password_lock_minutes = 30").Replace(string(policy.MustShipped("hubei").Canonical()))
	toml := leakRequest{method: "POST", path: "/v1/policies?at=now", media: "application/toml", body: "# $son $name $password\n" + policyText, admin: true}
	today := "2026-01-01"
	list := []leakRequest{
		admin("/v1/institutions", `{"fixmedins_code":"P42010000001","fixmedins_name":"示范大药房","fixmedins_type":"2","admdvs":"420100"}`),
		admin("/v1/institutions", `{"fixmedins_code":"H42010000001","fixmedins_name":"示范医院","fixmedins_type":"1","hosp_lv":"03","admdvs":"420100"}`),
		admin("/v1/persons", leakPerson("42010000000001", "$son", "$name", "310")),
		ndjson(admin("/v1/persons?file=F1", leakPerson("42010000000002", "$mother", "$name", "310")+"\n"+leakPerson("1 2", "$mother", "$name", "310")+"\n")),
		toml,
		admin("/v1/credits", `{"msgid":"$msgid","psn_no":"42010000000001","amount":"100.00","source":"opening","business_date":"`+today+`"}`),
		admin("/v1/credits", `{"msgid":"$msgid","psn_no":"42010000000002","amount":"90000.00","source":"opening","business_date":"`+today+`"}`),
		admin("/v1/persons/42010000000001/credentials", `{"msgid":"$msgid","type":"03","number":"$token","card_sn":"$phone","state":"active"}`),
		post("/v1/bindings", `{"msgid":"$msgid","channel":"wechat","authorizer_psn_no":"42010000000002","user_cert_type":"01","user_certno":"$son","relation":"5","user_phone":"$phone",`+
			`"auth":{"method":"evoucher","txn_no":"$token","time":"2026-03-10T11:58:00+08:00"},"data_consent_at":"2026-03-10T11:57:00+08:00","commitment":{"version":"1","accepted_at":"2026-03-10T11:59:00+08:00","declaration":"$name"}}`),
		post("/v1/persons/42010000000002/password", `{"msgid":"$msgid","channel":"wechat","action":"set","password":"$password"}`),
		post("/v1/persons/42010000000002/password", `{"msgid":"$msgid","channel":"wechat","action":"change","password":"$wrongpassword","old_password":"$password"}`),
		post("/v1/persons/lookup", `{"psn_cert_type":"01","certno":"$son"}`),
		post("/v1/settlements/preview", strings.Replace(leakBill, `"msgid":"$msgid",`, "", 1)), post("/v1/settlements", leakBill), post("/v1/settlements", strings.Replace(leakBill, "$password", "$wrongpassword", 1)),
		ndjson(post("/v1/settlements/batch", leakBill+"\n"+strings.Replace(leakBill, "$son", "$mother", 1)+"\n{\"a\":\"$son\"}")),
		post("/v1/settlements", strings.Replace(leakBill, `"mdtrt_cert_no":"$son"`, `"mdtrt_cert_no":"$mother"`, 1)),
		post("/v1/settlements", strings.Replace(leakBill, `"02","mdtrt_cert_no":"$son"`, `"01","mdtrt_cert_no":"$token"`, 1)),
		post("/v1/settlements/$setl_id/reversal", `{"msgid":"$msgid","fixmedins_code":"P42010000001","psn_no":"42010000000001","opter":"0001","reason":"$name"}`),
		post("/v1/reversals", `{"msgid":"$msgid","fixmedins_code":"P42010000001","original_msgid":"never-made","original_kind":"settlement","psn_no":"42010000000001"}`),
		admin("/v1/freezes", `{"msgid":"$msgid","psn_no":"42010000000001","action":"freeze","reason":"court","operator":"o1","second_operator":"o2"}`),
		admin("/v1/freezes", `{"msgid":"$msgid","psn_no":"42010000000001","action":"release","reason":"court","operator":"o1","second_operator":"o2"}`),
		ndjson(post("/v1/institutions/P42010000001/reconciliation?from=2026-03-10&to=2026-03-10", `{"msgid":"$name","setl_id":"$son","medfee_sumamt":"1.00","fund_pay_sumamt":"0.00","acct_pay":"1.00"}`)),
		admin("/v1/persons/42010000000002/password-reset", `{"msgid":"$msgid","operator":"o1"}`),
		post("/v1/unbindings", `{"msgid":"$msgid","channel":"wechat","authorizer_psn_no":"42010000000002","binding_ids":["$binding_id"]}`),
		get("/v1/persons/42010000000001"), get("/v1/persons/42010000000001/authorizers"), get("/v1/persons/42010000000002/members"), get("/v1/persons/42010000000002/statement"),
		get("/v1/settlements/$setl_id"), get("/v1/settlements/$setl_id/draw"), {method: "GET", path: "/v1/settlements/$setl_id/full", admin: true}, get("/v1/bindings/$binding_id"),
		{method: "GET", path: "/v1/bindings?state=active", admin: true},
	}
	for i := range list {
		list[i].name = list[i].path
	}
	return list
}

// good makes the world.
func (s *leakServer) good() {
	refused := 0
	for _, r := range leakGood() {
		if status, _ := s.call(r); status >= 400 {
			refused++
		}
	}
	if refused > 8 {
		s.t.Errorf("%d of %d good requests were refused: %v", refused, len(leakGood()), s.answers)
	}
}

// leakDialogues are the messages of the national interface's own tests, with secrets for their persons.
func leakDialogues(t *testing.T) (list []leakRequest) {
	files, err := filepath.Glob("../../api/nhsa/testdata/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d dialogues: %v", len(files), err)
	}
	day := time.Now().In(time.FixedZone("CST", 8*3600)).AddDate(0, 0, -1).Format(time.DateOnly)
	swap := strings.NewReplacer("990100190001010011", "$son", "990100190001010022", "$mother", "王小明", "$name", "收费员", "$operator", `"cainfo": ""`, `"cainfo": "42010000000002=$password"`,
		"2026-03-10", day) // visits begin at most 31 days ago, and not ahead
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "> POST ")[1:] {
			path, body, _ := strings.Cut(part, "\n")
			body, _, _ = strings.Cut(body, "\n< ")
			body, _, _ = strings.Cut(body, "\n+ file\n")
			list = append(list, leakRequest{name: path, method: "POST", path: path, media: "application/json", national: true, body: swap.Replace(leakMsgid.ReplaceAllString(body, `${1}"$$msgid"`))})
		}
	}
	return list
}

var (
	leakMsgid  = regexp.MustCompile(`("msgid"\s*:\s*)"[^"]*"`)
	leakScalar = regexp.MustCompile(`:\s*("[^"]*"|-?[0-9.]+|true|false)`)
)

// national sends the dialogues, with the signature of the key file if there is one.
func (s *leakServer) national(open bool) {
	accepted := 0
	list := leakDialogues(s.t)
	for i, r := range list {
		if !open {
			r.headers = leakSigned(s.fill(r.path), i%3 == 0)
		}
		if _, text := s.call(r); strings.Contains(text, `"infcode":"0"`) || strings.Contains(text, `"infcode":0`) {
			accepted++
		}
	}
	if open && accepted < len(list)/4 {
		s.t.Errorf("only %d of %d messages were accepted", accepted, len(list))
	}
	s.files()
}

// files uploads files full of secrets: as they should be, and as something else.
func (s *leakServer) files() {
	line := "S0000000010007$\t$son\t$name\t$phone\t0.00\t62.20\t0"
	for _, form := range leak.Forms() {
		text := strings.ReplaceAll(line, "$son", form.Write(leakSecrets[leakSon].Text))
		for way := range 3 {
			var b bytes.Buffer
			w := multipart.NewWriter(&b)
			file, err := w.CreateFormFile("file", form.Write(leakSecrets[leakSon].Text)+".zip")
			if err == nil {
				_, err = file.Write(leakZip(s.t, s.fill(text), way))
			}
			message := leakEnvelope("9101", `{"fsUploadIn":{"in":"","filename":"$son.zip","fixmedins_code":"P42010000001"}}`)
			if err == nil {
				err = w.WriteField("jsonStr", s.fill(message))
			}
			if err != nil || w.Close() != nil {
				s.t.Fatal(err)
			}
			s.call(leakRequest{name: "an upload", method: "POST", path: "/fsi/api/rsfComIfsService/callService", media: w.FormDataContentType(), national: true, body: b.String()})
			s.call(leakRequest{name: "3202", method: "POST", path: "/fsi/api/rsfComIfsService/callService", media: "application/json", national: true, body: leakEnvelope("3202",
				`{"data":{"setl_optins":"420100","file_qury_no":"$file_qury_no","stmt_begndate":"2026-03-10","stmt_enddate":"2026-03-10","medfee_sumamt":0,"fund_pay_sumamt":0,"cash_payamt":0,"fixmedins_setl_cnt":"1","clr_type":"41","refd_setl_flag":"0","fixmedins_refd_setl_flag":"0"}}`)})
		}
	}
}

func leakEnvelope(infno, input string) string {
	return fmt.Sprintf(`{"infno":%q,"msgid":"$msgid","mdtrtarea_admvs":"420100","insuplc_admdvs":"420100","recer_sys_code":"YBXT","dev_no":"","dev_safe_info":"","cainfo":"$password","signtype":"","infver":"V1.0",`+
		`"opter_type":"1","opter":"0001","opter_name":"$operator","inf_time":"2026-03-10 12:00:00","fixmedins_code":"P42010000001","fixmedins_name":"示范大药房","sign_no":"null","input":%s}`, infno, input)
}

// leakZip packs a text: as a file of its own name, as text that is no ZIP, as a ZIP that is cut.
func leakZip(t *testing.T, text string, way int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("stmt.txt")
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	switch way {
	case 1:
		return []byte(text)
	case 2:
		return b.Bytes()[:b.Len()/2]
	}
	return b.Bytes()
}

// leakKeys writes a key file of the gateway's scheme with the planted secret.
func leakKeys(t *testing.T, dir string) string {
	path := filepath.Join(dir, "sign.toml")
	text := fmt.Sprintf("gongji_keys = 1\nscheme = \"gateway\"\nrole = \"platform\"\n[[caller]]\nname = \"ak-0001-of-tests\"\nfixmedins_codes = [\"P42010000001\"]\nsecret = %q\n", leakSecrets[leakSignSecret].Text)
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	return path
}

// leakSigned are the gateway's headers with a signature that differs or is missing, and secrets where callers put them by mistake.
func leakSigned(path string, bare bool) map[string]string {
	secret := leakSecrets[leakSignSecret].Text
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(path))
	h := map[string]string{"X-Tif-Paasid": secret, "X-Tif-Signature": hex.EncodeToString(mac.Sum(nil)), "X-Tif-Timestamp": "1", "X-Tif-Nonce": secret, "Authorization": "Bearer " + leakSecrets[leakToken].Text}
	if bare {
		return h
	}
	h["_api_name"], h["_api_version"], h["_api_access_key"], h["_api_signature"], h["_api_timestamp"] = secret, "1.0.0", "ak-0001-of-tests", secret, "1700000000000"
	return h
}

// leakNames is before the value of what names a person or institution: what stands there is public by its place.
var leakNames = regexp.MustCompile(`"(psn_no|fixmedins_code|user_psn_no|authorizer_psn_no)"$`)

// spoiled sends every good request again with secrets, in a form, in the place of a value: where they do not belong, so that refusals have something to tell.
func (s *leakServer) spoiled() {
	forms, n := leak.Forms(), 0
	each := max(2, proof.Of(10))
	for _, r := range slices.Concat(leakGood(), leakDialogues(s.t)) {
		at := leakScalar.FindAllStringSubmatchIndex(r.body, -1)
		for k := range min(each, len(at)) {
			n++
			secret := leakSecrets[leakStray+n%(len(leakSecrets)-leakStray)].Text
			hit := at[(k*len(at)/each+n)%len(at)]
			lines := strings.Contains(r.media, "ndjson") // whose good answers hold refusals, and each line's message id
			if leakNames.MatchString(r.body[:hit[0]]) || lines && strings.HasSuffix(r.body[:hit[0]], `"msgid"`) {
				continue
			}
			x := r
			x.spoiled = !lines
			x.body = r.body[:hit[2]] + `"` + forms[n/3%len(forms)].Write(secret) + `"` + r.body[hit[3]:]
			s.call(x)
		}
	}
}

// badWires puts secrets where only a broken client puts them: targets, names, headers, methods, media, lengths, on both listeners.
func (s *leakServer) badWires() {
	const body = `{"psn_no":"1"}`
	for i, form := range leak.Forms() {
		x := form.Write(leakSecrets[i%len(leakSecrets)].Text)
		head := func(line, more string) string {
			return line + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + more + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
		}
		post := "POST /v1/settlements"
		for _, text := range []string{
			head("GET /v1/persons/"+x, ""), head("GET /v1/settlements?fixmedins_code="+x+"&msgid="+x, ""), head("GET /"+x, ""), head("POST /v1/persons/"+x+"/password", ""), head(x+" /v1/settlements", ""),
			head(post, "X-Name: "+x+"\r\n"), head(post, x+": y\r\n"), head(post, "traceparent: "+x+"\r\n"), head(post, "X-Request-Id: "+x+"\r\n"), head(post, "Authorization: Bearer "+x+"\r\n"), head(post, "Cookie: a="+x+"\r\n"),
			head(post, "X: \x01"+x+"\r\n"), head(post, x+"\r\n"), head(post, "Content-Encoding: "+x+"\r\n"), head(post, "Transfer-Encoding: "+x+"\r\n"), head(post, "Content-Length: "+x+"\r\n"), head("POST http://"+x+"/", ""),
			strings.Replace(head(post, ""), "Host: localhost", "Host: "+x, 1), strings.Replace(head(post, ""), "application/json", x, 1), strings.Replace(head(post, ""), "HTTP/1.1", x, 1),
			strings.Replace(head(post, ""), body, "{\""+x[:1], 1), x, x + "\r\n\r\n", "\x16\x03\x01" + x + "\r\n\r\n",
		} {
			for _, addr := range []string{s.business, s.admin} {
				s.raw(addr, text)
			}
		}
		for _, path := range []string{"/v1/settlements", "/v1/persons", "/fsi/api/rsfComIfsService/callService", "/v1/policies", "/v1/settlements/batch"} {
			media := map[string]string{"/v1/policies": "application/toml", "/v1/settlements/batch": "application/x-ndjson"}[path]
			if media == "" {
				media = "application/json"
			}
			for _, text := range []string{`{"` + x + `":1}`, `{"a":"` + x + `"`, x, `["` + x + `"]`, x + ` = "` + x + `"`, `name = "` + x + `"`, "{}\n{\"" + x + "\":\n", `{"infno":"` + x + `","input":{"` + x + `":"` + x + `"}}`} {
				s.call(leakRequest{name: path, method: "POST", path: path, media: media, body: text, admin: path == "/v1/policies" || path == "/v1/persons"})
			}
		}
	}
}
