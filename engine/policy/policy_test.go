package policy

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gongji/engine/ledger"
)

// TestShipped: each shipped profile is taken by Parse, by the schema and by the ledger, cites a rule in every line, and its canonical text
// is the same profile.
func TestShipped(t *testing.T) {
	rule := regexp.MustCompile(`# .*\b[A-Z][0-9]+\b`)
	for _, name := range Names {
		text := string(ShippedText(name))
		p, err := Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := bySchema(t, text); err != nil {
			t.Errorf("%s: schema.json: %v", name, err)
		}
		row := p.Ledger()
		if !row.Check() || row.NameText() != name || p.Name != name {
			t.Errorf("%s: the ledger refuses %+v", name, row)
		}
		canonical := p.Canonical()
		again, err := Parse("canonical", canonical)
		if err != nil || !bytes.Equal(again.Canonical(), canonical) || again.Hash() != p.Hash() || len(Diff(p, again)) != 0 {
			t.Errorf("%s: its canonical text is another profile: %v", name, err)
		}
		for i, line := range strings.Split(text, "\n") {
			plain := strings.HasPrefix(line, "name") || strings.HasPrefix(line, "title") || strings.HasPrefix(line, "version")
			inTable := strings.HasPrefix(line, "aliases = []") || strings.HasPrefix(line, "kind") || strings.HasPrefix(line, "[[") ||
				strings.HasPrefix(line, "med_type") || strings.HasPrefix(line, "fixmedins_type") || strings.HasPrefix(line, "insutype")
			if strings.Contains(line, "=") && !plain && !inTable && !rule.MatchString(line) && !strings.HasPrefix(line, "premium_season_until") {
				t.Errorf("%s:%d cites no rule: %s", name, i+1, line)
			}
		}
	}
}

// TestShippedValues are the values of domain-rules.md 14, last column, and the decisions: K7, K8 among them.
func TestShippedValues(t *testing.T) {
	for _, c := range []struct {
		name, knob, want string
	}{
		{"hubei", "source_strategy", `"random"`}, {"gansu", "source_strategy", `"allocated"`}, {"ordered", "source_strategy", `"ordered"`},
		{"hubei", "self_first", "true"}, {"gansu", "self_first", "true"}, {"ordered", "self_first", "true"},
		{"hubei", "max_families_per_person", `"none"`}, {"gansu", "max_families_per_person", "1"}, {"gansu", "max_authorizers_per_user", "1"},
		{"hubei", "min_bind_months", "3"}, {"gansu", "min_bind_months", "0"}, {"ordered", "min_bind_months", "0"},
		{"hubei", "channel.wechat.require_evoucher_active", "true"}, {"hubei", "channel.hall.require_evoucher_active", "false"},
		{"ordered", "channel.national_app.require_evoucher_active", "false"},
		{"hubei", "phone_required", "false"}, {"hubei", "cert_type_input", `"optional"`}, {"hubei", "cert_type_default", `"01"`},
		{"hubei", "face_required_from_age", `"none"`}, {"gansu", "face_required_from_age", "16"}, {"gansu", "face_age_inclusive", "true"},
		{"hubei", "user_consent_required", "false"}, {"gansu", "user_consent_required", "true"},
		{"hubei", "payable_places", `["institution", "pharmacy"]`}, {"gansu", "payable_places", `["institution", "pharmacy"]`},
		{"hubei", "payable_parts", `["inscp_scp_amt", "preselfpay_amt"]`},
		{"hubei", "premium_types", `["resident"]`}, {"gansu", "premium_allowed", "false"}, {"ordered", "premium_types", `["resident"]`},
		{"hubei", "territory", `"province"`}, {"gansu", "territory", `"province"`}, {"ordered", "territory", `"province"`},
		{"hubei", "account_bearing_categories", `["employed", "retired"]`},
		{"hubei", "user_status_required", `"normal"`}, {"ordered", "user_status_required", `"enrolled"`},
		{"hubei", "commitment_each_time", "true"}, {"gansu", "commitment_each_time", "false"}, {"ordered", "commitment_template", `"none"`},
		{"gansu", "qa_version", `"1"`}, {"hubei", "offline_review", "true"}, {"ordered", "offline_review", "true"},
		{"hubei", "account_password", `"none"`}, {"ordered", "account_password", `"none"`},
		{"gansu", "alloc_max_amount", `"none"`}, {"gansu", "alloc_max_times", `"none"`}, {"gansu", "creator_paused_money_usable", "true"},
		{"hubei", "fund_sum_includes_acct", "false"}, {"hubei", "flag_1_own_only", "false"}, {"hubei", "day_close_minutes_after", "1440"},
		{"hubei", "allowed_relations", `["spouse", "child", "grandchild", "parent", "grandparent", "sibling"]`},
		{"hubei-narrow", "allowed_relations", `["spouse", "child", "parent"]`},
	} {
		rows := MustShipped(c.name).Rows()
		i := slices.IndexFunc(rows, func(r Row) bool { return r.Knob == c.knob })
		if i < 0 || rows[i].Value != c.want {
			t.Errorf("%s %s: want %s in %+v", c.name, c.knob, c.want, rows[max(i, 0)])
		}
	}
	var names []string
	for _, c := range Diff(MustShipped("hubei"), MustShipped("hubei-narrow")) {
		names = append(names, c.Knob)
	}
	if want := []string{"name", "title", "effective_from", "allowed_relations"}; !slices.Equal(names, want) {
		t.Errorf("hubei-narrow differs from hubei in %v, want %v", names, want)
	}
}

// edit changes the line that begins with a knob.
func edit(text, knob, line string) string {
	lines := strings.Split(text, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, knob+" =") })
	lines[i] = line
	return strings.Join(lines, "\n")
}

func lineOf(text, begin string) int {
	return 1 + slices.IndexFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, begin) })
}

func problemsOf(t *testing.T, text string) Problems {
	t.Helper()
	_, err := Parse("f.toml", []byte(text))
	var ps Problems
	if err != nil && !errors.As(err, &ps) {
		t.Fatalf("%T %v", err, err)
	}
	return ps
}

// TestRefused: one fault in a shipped file is one problem, with its line, knob and rules; faults of single values fail by the schema too.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		base, knob, line string
		fault            Fault
		schemaToo        bool
	}{
		{"hubei", "min_bind_months", "min_bind_months = 121", NotAllowed, true},
		{"hubei", "min_bind_months", "min_bind_months = -1", NotAllowed, true},
		{"hubei", "min_bind_months", "min_bind_months = 3.0", WrongType, false}, // JSON knows no difference
		{"hubei", "min_bind_months", `min_bind_months = "3"`, WrongType, true},
		{"hubei", "min_bind_months", `min_bind_months = "none"`, WrongType, true},
		{"hubei", "self_first", "self_first = 1", WrongType, true},
		{"hubei", "source_strategy", `source_strategy = "Random"`, NotAllowed, true},
		{"hubei", "allowed_relations", `allowed_relations = []`, NotAllowed, true},
		{"hubei", "allowed_relations", `allowed_relations = ["spouse", "cousin"]`, NotAllowed, true},
		{"hubei", "allowed_relations", `allowed_relations = ["spouse", "spouse"]`, Duplicate, true},
		{"hubei", "allowed_relations", `allowed_relations = "spouse"`, WrongType, true},
		{"hubei", "payable_parts", `payable_parts = []`, NotAllowed, true},
		{"hubei", "effective_from", `effective_from = "2025-01-01"`, WrongType, false}, // in JSON a date is a text
		{"hubei", "effective_from", `effective_from = 2025-02-29`, NotAllowed, true},
		{"hubei", "effective_from", `effective_from = 2025-01-01T00:00:00Z`, WrongType, true},
		{"hubei", "version", `version = 0`, NotAllowed, true},
		{"hubei", "name", `name = "湖北"`, NotAllowed, true},
		{"hubei", "province", `province = "10"`, NotAllowed, true},
		{"hubei", "premium_season_from", `premium_season_from = "02-30"`, NotAllowed, true},
		{"hubei", "max_authorizers_per_user", `max_authorizers_per_user = 33`, NotAllowed, true},
		{"hubei", "max_authorizers_per_user", `max_authorizers_per_user = "some"`, NotAllowed, true},
		{"gansu", "alloc_max_amount", `alloc_max_amount = 100`, WrongType, true},
		{"gansu", "alloc_max_amount", `alloc_max_amount = "100"`, NotAllowed, true},
		{"gansu", "alloc_max_amount", `alloc_max_amount = "0.00"`, NotAllowed, false},
		{"gansu", "commitment_template", `commitment_template = 'a "letter"'`, NotAllowed, true},

		{"gansu", "max_families_per_person", `max_families_per_person = "none"`, Impossible, false},
		{"gansu", "max_families_per_person", `max_families_per_person = 2`, Impossible, false},
		{"hubei", "alloc_max_amount", `alloc_max_amount = "100.00"`, Impossible, false},
		{"hubei", "alloc_max_times", `alloc_max_times = 12`, Impossible, false},
		{"ordered", "creator_paused_money_usable", `creator_paused_money_usable = true`, Impossible, false},
		{"hubei", "reversible", `reversible = ["cancel"]`, Impossible, false},
		{"hubei", "consent_expiry_days", `consent_expiry_days = 7`, Impossible, false},
		{"gansu", "consent_expiry_days", `consent_expiry_days = "none"`, Impossible, false},
		{"hubei", "face_required_from_age", `face_required_from_age = 16`, Impossible, false},
		{"hubei", "commitment_version", `commitment_version = "none"`, Impossible, false},
		{"ordered", "commitment_version", `commitment_version = "1"`, Impossible, false},
		{"ordered", "commitment_each_time", `commitment_each_time = true`, Impossible, false},
		{"hubei", "password_tries", `password_tries = 5`, Impossible, false},
		{"hubei", "password_lock_minutes", `password_lock_minutes = 5`, Impossible, false},
		{"hubei", "premium_types", `premium_types = []`, Impossible, false},
		{"gansu", "premium_types", `premium_types = ["resident"]`, Impossible, false},
		{"hubei", "premium_season_until", `premium_season_until = "12-31"`, Impossible, false},
		{"hubei", "agreed_provinces", `agreed_provinces = ["43"]`, Impossible, false},
		{"gansu", "offline_review", `offline_review = true`, Impossible, false},
	} {
		text := edit(string(ShippedText(c.base)), c.knob, c.line)
		ps := problemsOf(t, text)
		if len(ps) != 1 || ps[0].Fault != c.fault || ps[0].Knob != c.knob || ps[0].Line != lineOf(text, c.knob+" =") || ps[0].Rules == "" || ps[0].File != "f.toml" {
			t.Errorf("%s in %s: %q, want one %s", c.line, c.base, ps, c.fault)
		}
		if err := bySchema(t, text); c.schemaToo && err == nil {
			t.Errorf("%s in %s: schema.json takes it", c.line, c.base)
		}
	}
}

// TestCombinations are those that take two lines, or a table.
func TestCombinations(t *testing.T) {
	hubei := string(ShippedText("hubei"))
	password := edit(hubei, "account_password", `account_password = "force_change"`)
	cross := edit(hubei, "territory", `territory = "cross_province"`)
	for name, c := range map[string]struct {
		text, line string
		fault      Fault
		n          int
	}{
		"password without limits": {password, "password_tries", Impossible, 2},
		"cross without list":      {cross, "agreed_provinces", Impossible, 1},
		"cross with itself":       {edit(cross, "agreed_provinces", `agreed_provinces = ["42"]`), "agreed_provinces", Impossible, 1},
		"cross without home":      {edit(edit(cross, "province", `province = "00"`), "agreed_provinces", `agreed_provinces = ["43"]`), "province", Impossible, 1},
		"season without premiums": {edit(edit(edit(edit(hubei, "premium_allowed", "premium_allowed = false"), "premium_types", "premium_types = []"),
			"premium_season_from", `premium_season_from = "09-01"`), "premium_season_until", `premium_season_until = "12-31"`), "premium_season_from", Impossible, 1},
		"no login":             {strings.Replace(hubei, `login = ["evoucher", "id_card"]`, `login = []`, 1), "login = []", NotAllowed, 1},
		"document online":      {strings.Replace(hubei, `login = ["evoucher", "id_card"]`, `login = ["document"]`, 1), "[[channel]]", Impossible, 1},
		"counter with voucher": {strings.Replace(hubei, `login = ["document"]`, `login = ["evoucher"]`, 1), "[[channel]]                          # G1", Impossible, 1},
		"channel twice":        {strings.Replace(hubei, `name = "alipay"`, `name = "wechat"`, 1), "[[channel]]                          # S0, S3, S4\nname = \"wechat\"\ntitle = \"湖北医疗保障支付宝", Duplicate, 1},
		"unknown channel":      {strings.Replace(hubei, `name = "alipay"`, `name = "email"`, 1), `name = "email"`, NotAllowed, 1},
		"no channel":           {hubei[:strings.Index(hubei, "[[channel]]")], "clr_type_default", Missing, 1},
		"catch-all":            {hubei + "\n[[clr_type]]\ncode = \"1\"\nmed_type = []\nfixmedins_type = []\ninsutype = []\n", "", Impossible, 1},
		"unknown in a row":     {strings.Replace(hubei, "aliases = []", "aliases = []\ncolour = 1", 1), "colour", UnknownKnob, 1},
		"missing in a row":     {strings.Replace(hubei, "aliases = []\n", "", 1), `require_evoucher_active`, Missing, 1},
		"table as value":       {"channel = 1\n" + hubei, "channel = 1", WrongType, 2}, // and the rows are a second value
		"plain table":          {hubei + "\n[settlement]\nx = 1\n", "[settlement]", UnknownKnob, 1},
		"twice":                {"self_first = false\n" + hubei, "self_first = true", Duplicate, 1},
		"unknown":              {"max_authorisers = 1\n" + hubei, "max_authorisers", UnknownKnob, 1},
		"dotted":               {"self.first = true\n" + hubei, "self.first", UnknownKnob, 1},
		"missing":              {strings.Replace(hubei, "self_first", "# ", 1), "clr_type_default", Missing, 1},
		"missing date":         {strings.Replace(hubei, "effective_from", "# ", 1), "clr_type_default", MissingDate, 1},
		"syntax":               {strings.Replace(hubei, "self_first = true", "self_first = = true", 1), "self_first", Syntax, 1},
		"open text":            {strings.Replace(hubei, `province = "42"`, `province = "42`, 1), "province", Syntax, 1},
	} {
		ps := problemsOf(t, c.text)
		want := lineOf(c.text, c.line)
		if before, _, found := strings.Cut(c.text, c.line); found && strings.Contains(c.line, "\n") {
			want = 1 + strings.Count(before, "\n")
		}
		if name == "catch-all" {
			want = 2 + strings.Count(hubei, "\n")
		}
		if len(ps) != c.n || ps[0].Fault != c.fault || ps[0].Line != want {
			t.Errorf("%s: want %d, the first %s in line %d, got\n%v", name, c.n, c.fault, want, ps.Error())
		}
	}
}

// TestAllAtOnce: all faults of a file are told at once, by line.
func TestAllAtOnce(t *testing.T) {
	text := string(ShippedText("hubei"))
	for _, e := range [][2]string{{"version", "version = 0"}, {"self_first", "self_frist = true"}, {"min_bind_months", "min_bind_months = true"},
		{"face_required_from_age", "face_required_from_age = 16"}, {"reversible", "reversible = ['cancel']"}} {
		text = edit(text, e[0], e[1])
	}
	var got []string
	line := 0
	for _, p := range problemsOf(t, text) {
		got = append(got, fmt.Sprintf("%s %s", p.Knob, p.Fault))
		if p.Line < line {
			t.Errorf("line %d after %d", p.Line, line)
		}
		line = p.Line
	}
	want := []string{"version not_allowed", "self_frist unknown_knob", "reversible impossible", "min_bind_months wrong_type", "face_required_from_age impossible", "self_first missing_knob"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestLimits: files, lists, tables and canonical texts have a largest size.
func TestLimits(t *testing.T) {
	hubei := string(ShippedText("hubei"))
	list := func(n int) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(`"%d"`, 100_000+i))
		}
		return "med_type = [" + strings.Join(out, ", ") + "]"
	}
	row := func(med string) string {
		return "\n[[clr_type]]\ncode = \"1\"\n" + med + "\nfixmedins_type = []\ninsutype = []"
	}
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"file":         {hubei + strings.Repeat("#", FileMax), false},
		"list of 64":   {hubei + row(list(64)), true},
		"list of 65":   {hubei + row(list(65)), false},
		"table":        {hubei + strings.Repeat(row(list(1)), listMax), false},
		"canonical":    {hubei + strings.Repeat(row(list(64)), 20), false},
		"title of 60":  {edit(hubei, "title", `title = "`+strings.Repeat("长", 60)+`"`), true},
		"title of 61":  {edit(hubei, "title", `title = "`+strings.Repeat("长", 61)+`"`), false},
		"name of 24":   {edit(hubei, "name", `name = "`+strings.Repeat("n", ledger.NameMax)+`"`), true},
		"name of 25":   {edit(hubei, "name", `name = "`+strings.Repeat("n", ledger.NameMax+1)+`"`), false},
		"key of 1,000": {strings.Repeat("k", 1000) + " = 1\n" + hubei, false},
	} {
		ps := problemsOf(t, c.text)
		if (len(ps) == 0) != c.good {
			t.Errorf("%s: %v", name, ps)
		}
		if len(ps.Error()) > 400 {
			t.Errorf("%s: %d bytes of error text", name, len(ps.Error()))
		}
	}
}

// TestHash: comments, spaces, the order of lines and of sets do not change it; every knob does.
func TestHash(t *testing.T) {
	text := string(ShippedText("hubei"))
	first := MustShipped("hubei").Hash()
	head, tables, _ := strings.Cut(text, "[[channel]]")
	lines := strings.Split(head, "\n")
	slices.Reverse(lines)
	same := strings.Join(lines, "\n") + "# more\n[[channel]]" + tables
	same = strings.Replace(same, `["evoucher", "id_card"]`, `["id_card","evoucher"]`, 1)
	same = strings.Replace(same, `["institution", "pharmacy"]`, "[ \"pharmacy\",\n \"institution\" ]", 1)
	if p, err := Parse("f", []byte(same)); err != nil || p.Hash() != first {
		t.Errorf("the hash depends on order or comments: %v", err)
	}
	seen := map[[32]byte]string{first: "hubei"}
	for i := range profileFields {
		f := &profileFields[i]
		p := MustShipped("hubei")
		turnField(f.at(p))
		if other, twice := seen[p.Hash()]; twice {
			t.Errorf("%s: the hash is that of %s", f.Name, other)
		}
		seen[p.Hash()] = f.Name
	}
}

func turnField(at any) {
	switch v := at.(type) {
	case *bool:
		*v = !*v
	case *int64:
		*v += 7
	case *string:
		*v += "x"
	case *[]string:
		*v = append(*v, "x")
	}
}

// TestShow: the table has each knob with its rules, and lines up.
func TestShow(t *testing.T) {
	var out bytes.Buffer
	p := MustShipped("gansu")
	if err := p.Show(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	at := -1
	for _, l := range lines[3 : 3+len(profileFields)] {
		i := strings.Index(l, "  ")
		j := i + len(l[i:]) - len(strings.TrimLeft(l[i:], " "))
		if at == -1 {
			at = j
		} else if j != at {
			t.Errorf("%q does not line up", l)
		}
	}
	for _, f := range profileFields {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, f.Name+" ") && strings.Contains(l, f.Rules) }) {
			t.Errorf("%s is not shown", f.Name)
		}
	}
	if columns("共济a") != 5 {
		t.Errorf("共济a is %d columns", columns("共济a"))
	}
}

// TestDiff tells knob by knob, and what only one side has.
func TestDiff(t *testing.T) {
	a, b := MustShipped("hubei"), MustShipped("hubei")
	b.MinBindMonths, b.Channels[1].Login = 6, []string{"evoucher"}
	b.Channels = append(b.Channels[:3:3], Channel{Name: "national_app", Title: "x", Kind: "online", Login: []string{"evoucher"}})
	b.ClrTypes = append(b.ClrTypes[:13:13], ClrRule{Code: "7", MedType: []string{"8"}})
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, fmt.Sprintf("%s %s -> %s", c.Knob, c.From, c.To))
	}
	want := []string{"min_bind_months 3 -> 6", `channel.alipay.login ["evoucher", "id_card"] -> ["evoucher"]`,
		`channel.hall.title "医保大厅" -> `, "channel.hall.aliases [] -> ", `channel.hall.kind "counter" -> `, `channel.hall.login ["document"] -> `,
		"channel.hall.require_evoucher_active false -> ", "clr_type.14 15 if med_type 9901, 990101, 990103 -> 7 if med_type 8",
		`channel.national_app.title  -> "x"`, "channel.national_app.aliases  -> []", `channel.national_app.kind  -> "online"`,
		`channel.national_app.login  -> ["evoucher"]`, "channel.national_app.require_evoucher_active  -> false"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	if len(Diff(a, MustShipped("hubei"))) != 0 {
		t.Error("a profile differs from itself")
	}
}

// TestStartOf: a day begins at midnight in China.
func TestStartOf(t *testing.T) {
	ms, ok := StartOf("2026-01-01")
	if !ok || ms != 1_767_196_800_000 || DayOf(ms) != "2026-01-01" || DayOf(ms-1) != "2025-12-31" || ledger.DayOf(ms) != ledger.DayOf(ms-1)+1 {
		t.Errorf("%d %v %s", ms, ok, DayOf(ms-1))
	}
	for _, bad := range []string{"", "2026-02-29", "2026-1-1", "1997-12-31", "2200-01-01", "2026-01-01T00:00:00"} {
		if _, ok := StartOf(bad); ok {
			t.Errorf("%q is a day", bad)
		}
	}
}

// FuzzParse: no file makes it panic, and what it takes has a canonical text that is the same profile and a row the ledger takes.
func FuzzParse(f *testing.F) {
	for _, name := range Names {
		f.Add(ShippedText(name))
	}
	f.Add([]byte("a = [[]]\n[[channel]]\n[channel.x]\nb.c = {d = 1}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("f", text)
		if err != nil {
			return
		}
		row := p.Ledger()
		again, err := Parse("again", p.Canonical())
		if err != nil || again.Hash() != p.Hash() || !row.Check() {
			t.Fatalf("%v\n%s", err, p.Canonical())
		}
	})
}

// TestShippedFacts: what the sources say of names and dates: Alipay's mini-program was called otherwise in 2023 (K17), Gansu's families are there since
// its outpatient reform (C13).
func TestShippedFacts(t *testing.T) {
	alias := false
	for _, c := range MustShipped("hubei").Channels {
		alias = alias || slices.Contains(c.Aliases, "鄂医保") && strings.Contains(c.Name, "alipay")
	}
	if !alias {
		t.Error("hubei: 鄂医保 is no name of Alipay's channel")
	}
	if day := MustShipped("gansu").EffectiveFrom; day != "2023-01-01" {
		t.Errorf("gansu holds from %s", day)
	}
}
