package policy

import "slices"

// clause is an impossible combination: knobs that cannot stand together. It is told at the first of them.
type clause struct {
	knobs []string
	text  string
	bad   func(p *Profile) bool
}

// clauses are the impossible combinations of knobs. The ledger refuses those it could be harmed by on its own (engine/ledger DESIGN.md 4, command 2).
var clauses = []clause{
	{[]string{"max_families_per_person", "source_strategy"}, `must be 1 with source_strategy "allocated": the family's money would be nobody's`,
		func(p *Profile) bool { return p.SourceStrategy == "allocated" && p.MaxFamiliesPerPerson != 1 }},
	{[]string{"alloc_max_amount", "source_strategy"}, `must be "none" without source_strategy "allocated"`,
		func(p *Profile) bool { return p.SourceStrategy != "allocated" && p.AllocMaxAmount != None }},
	{[]string{"alloc_max_times", "source_strategy"}, `must be "none" without source_strategy "allocated"`,
		func(p *Profile) bool { return p.SourceStrategy != "allocated" && p.AllocMaxTimes != None }},
	{[]string{"creator_paused_money_usable", "source_strategy"}, `must be false without source_strategy "allocated"`,
		func(p *Profile) bool { return p.SourceStrategy != "allocated" && p.CreatorPausedMoneyUsable }},
	{[]string{"reversible"}, `must name "settlement": a till that got no answer could never be sure (R9)`,
		func(p *Profile) bool { return !slices.Contains(p.Reversible, "settlement") }},
	{[]string{"consent_expiry_days", "user_consent_required"}, `is a number with user_consent_required, else "none"`,
		func(p *Profile) bool { return p.UserConsentRequired != (p.ConsentExpiryDays != None) }},
	{[]string{"face_required_from_age", "user_consent_required"}, `needs user_consent_required: nobody would be there to show his face`,
		func(p *Profile) bool { return p.FaceRequiredFromAge != None && !p.UserConsentRequired }},
	{[]string{"commitment_version", "commitment_template"}, `is "none" exactly if commitment_template is`,
		func(p *Profile) bool { return (p.CommitmentTemplate == NoText) != (p.CommitmentVersion == NoText) }},
	{[]string{"commitment_each_time", "commitment_template"}, `needs a commitment_template`,
		func(p *Profile) bool { return p.CommitmentEachTime && p.CommitmentTemplate == NoText }},
	{[]string{"password_tries", "account_password"}, `is a number with account_password "force_change", else "none"`,
		func(p *Profile) bool { return (p.AccountPassword == "none") != (p.PasswordTries == None) }},
	{[]string{"password_lock_minutes", "account_password"}, `is a number with account_password "force_change", else "none"`,
		func(p *Profile) bool { return (p.AccountPassword == "none") != (p.PasswordLockMinutes == None) }},
	{[]string{"premium_types", "premium_allowed"}, `names types exactly if premium_allowed is true`,
		func(p *Profile) bool { return p.PremiumAllowed != (len(p.PremiumTypes) > 0) }},
	{[]string{"premium_season_from", "premium_allowed"}, `must be "none" without premium_allowed`,
		func(p *Profile) bool { return !p.PremiumAllowed && p.PremiumSeasonFrom != NoText }},
	{[]string{"premium_season_until", "premium_season_from"}, `is "none" exactly if premium_season_from is`,
		func(p *Profile) bool { return (p.PremiumSeasonUntil == NoText) != (p.PremiumSeasonFrom == NoText) }},
	{[]string{"agreed_provinces", "territory"}, `names provinces exactly if territory is "cross_province"`,
		func(p *Profile) bool { return (p.Territory == "cross_province") != (len(p.AgreedProvinces) > 0) }},
	{[]string{"agreed_provinces", "province"}, `names other provinces: neither 00 nor the home province`,
		func(p *Profile) bool {
			return slices.Contains(p.AgreedProvinces, "00") || slices.Contains(p.AgreedProvinces, p.Province)
		}},
	{[]string{"registration_keep_days", "registration_open_days"}, `is a number with registration_open_days, else "none"`,
		func(p *Profile) bool { return (p.RegistrationKeepDays == None) != (p.RegistrationOpenDays == None) }},
	{[]string{"stay_keep_days", "registration_open_days"}, `is a number with registration_open_days, else "none"`,
		func(p *Profile) bool { return (p.StayKeepDays == None) != (p.RegistrationOpenDays == None) }},
	{[]string{"max_open_visits", "registration_open_days"}, `is a number with registration_open_days, else "none"`,
		func(p *Profile) bool { return (p.MaxOpenVisits == None) != (p.RegistrationOpenDays == None) }},
	{[]string{"max_lines_per_visit", "registration_open_days"}, `is a number with registration_open_days, else "none"`,
		func(p *Profile) bool { return (p.MaxLinesPerVisit == None) != (p.RegistrationOpenDays == None) }},
	{[]string{"max_visit_rows", "registration_open_days"}, `is a number with registration_open_days, else "none"`,
		func(p *Profile) bool { return (p.MaxVisitRows == None) != (p.RegistrationOpenDays == None) }},
	{[]string{"province", "territory"}, `must be a province with territory "cross_province"`,
		func(p *Profile) bool { return p.Territory == "cross_province" && p.Province == "00" }},
}

// check looks for impossible combinations among knobs whose values were read.
func (r *reader) check(p *Profile, lines map[string]int, channels, clr entry) {
	for _, c := range clauses {
		if !slices.ContainsFunc(c.knobs, func(k string) bool { return lines[k] == 0 }) && c.bad(p) {
			r.fail(lines[c.knobs[0]], knobOf(profileFields, c.knobs[0]), Impossible, c.text)
		}
	}
	r.checkChannels(p, lines, channels)
	for i, row := range clr.value.list {
		if i < len(p.ClrTypes) && isCatchAll(&p.ClrTypes[i]) && p.ClrTypes[i].Code != "" {
			r.fail(row.line, Knob{Name: clrTable, Rules: "R16"}, Impossible, "a row that fits every bill is clr_type_default")
		}
	}
}

func isCatchAll(c *ClrRule) bool { return len(c.MedType)+len(c.FixmedinsType)+len(c.Insutype) == 0 }

func (r *reader) checkChannels(p *Profile, lines map[string]int, channels entry) {
	table := Knob{Name: channelTable, Rules: "K22"}
	if channels.key == "" {
		r.fail(max(1, lines["clr_type_default"]), table, Missing, "no [[channel]]: nobody could bind")
	}
	if len(channels.value.list) == 0 {
		return
	}
	seen, counters := map[string]int{}, 0
	for i := range p.Channels {
		c, line := &p.Channels[i], channels.value.list[i].line
		if first := seen[c.Name]; first != 0 && c.Name != "" {
			r.fail(line, table, Duplicate, "this channel is here twice")
		}
		seen[c.Name] = line
		if c.Kind == "counter" {
			counters++
		}
		if c.Kind != "" && len(c.Login) > 0 && slices.Contains(c.Login, "document") != (c.Kind == "counter") {
			r.fail(line, knobOf(channelFields, "login"), Impossible, `takes "document" at a counter, and nowhere else (G3)`)
		}
	}
	if at := lines["offline_review"]; at != 0 && p.OfflineReview && counters == 0 {
		r.fail(at, knobOf(profileFields, "offline_review"), Impossible, "needs a channel of the kind \"counter\"")
	}
}

func knobOf[T any](fields []field[T], name string) Knob {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Knob
		}
	}
	panic("BUG: no knob " + name)
}
