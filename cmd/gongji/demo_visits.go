package main

import "gongji/bench/province"

// payment is a part of a bill paid from one personal account.
type payment struct {
	who    string // key of the cast
	amount fen
}

// visit is one bill of the story and what must come of it.
type visit struct {
	key     string // decisions.md's name, or our own
	at      string // time of day, for the in-process server's clock
	place   string
	patient string
	title   string
	med     string // med_type
	bill    bill
	pays    []payment // in the order in which the accounts are asked
	cash    fen
	left    map[string]fen // balances afterwards
	redraw  bool           // the order of pays is the draw's: cancel and settle anew until it comes up
}

// acct and aid are acct_pay and acct_mulaid_pay as they follow from who pays.
func (v *visit) acct() (sum fen) {
	for _, p := range v.pays {
		sum += p.amount
	}
	return sum
}

func (v *visit) aid() (sum fen) {
	for _, p := range v.pays {
		if p.who != v.patient {
			sum += p.amount
		}
	}
	return sum
}

// care kinds (med_type).
const (
	outpatientCare = "11"
	pharmacyCare   = "41"
)

// worked are the golden figures of decisions.md.
var worked = []visit{
	{key: "X1", at: "08:05", place: "hospital0", patient: "xiaoman", title: "a child without an account; the mother shares hers", med: outpatientCare,
		bill: inScope(460_00, 276_00), pays: []payment{{"linhui", 184_00}}, left: map[string]fen{"linhui": 4816_00}},
	{key: "X1b", at: "08:15", place: "hospital0", patient: "xiaoman", title: "parts that accounts may not pay are cash although money is left", med: outpatientCare,
		bill: bill{Medfee: 530_00, Fund: 276_00, Preself: 20_00, Inscp: 460_00, Overlmt: 5_00, Fulamt: 45_00},
		pays: []payment{{"linhui", 204_00}}, cash: 50_00, left: map[string]fen{"linhui": 4612_00}},
	{key: "X2", at: "08:25", place: "hospital1", patient: "chenan", title: "the own account is empty; the father pays", med: outpatientCare,
		bill: inScope(100_00, 0), pays: []payment{{"chenliang", 100_00}}, left: map[string]fen{"chenan": 0, "chenliang": 900_00}},
	{key: "X3", at: "08:35", place: "hospital2", patient: "zhoumin", title: "own account, then three relatives in drawn order", med: outpatientCare,
		bill: inScope(300_00, 0), pays: []payment{{"zhoumin", 40_10}, {"zhoubo", 120_00}, {"sunlan", 80_05}, {"wuqiang", 59_85}},
		left: map[string]fen{"zhoumin": 0, "zhoubo": 0, "sunlan": 0, "wuqiang": 440_15}, redraw: true},
}

// The day's visits; the scenes of demo_scenes.go play them.
var (
	ownTwoAndCash = visit{key: "own account, two relatives and cash", at: "09:10", place: "hospital0", patient: "heping",
		title: "relatives insured in the other two pooling areas", med: outpatientCare,
		bill: inScope(750_00, 450_00), pays: []payment{{"heping", 60_00}, {"heqing", 100_00}, {"hesong", 50_00}}, cash: 90_00,
		left: map[string]fen{"heping": 0, "heqing": 0, "hesong": 0}}
	ownOnly = visit{key: "own account only", at: "09:40", place: "pharmacy1", patient: "tangyue", title: "cold medicine at the pharmacy", med: pharmacyCare,
		bill: inScope(46_80, 0), pays: []payment{{"tangyue", 46_80}}, left: map[string]fen{"tangyue": 253_20}}
	wrongCard = visit{key: "a relative's card", at: "10:20", place: "pharmacy1", patient: "xuyun", title: "the son's card is shown for the mother's bill", med: pharmacyCare,
		bill: inScope(128_00, 0)}
	rightCard = visit{key: "her own card", at: "10:25", place: "pharmacy1", patient: "xuyun", title: "the mother's own card, the son's account", med: pharmacyCare,
		bill: inScope(128_00, 0), pays: []payment{{"xuwen", 128_00}}, left: map[string]fen{"xuwen": 1872_00}}
	boughtAll = visit{key: "four packs", at: "11:30", place: "pharmacy2", patient: "guojing", title: "four packs of tablets", med: pharmacyCare,
		bill: inScope(186_40, 0), pays: []payment{{"guojing", 186_40}}, left: map[string]fen{"guojing": 613_60}}
	keptRest = visit{key: "three packs", at: "14:05", place: "pharmacy2", patient: "guojing", title: "one pack came back: cancelled, and three packs settled anew", med: pharmacyCare,
		bill: inScope(139_80, 0), pays: []payment{{"guojing", 139_80}}, left: map[string]fen{"guojing": 660_20}}
	lostAnswer = visit{key: "lost answer", at: "15:00", place: "hospital0", patient: "majian", title: "the line drops before the answer is read", med: outpatientCare,
		bill: inScope(200_00, 120_00), pays: []payment{{"majian", 80_00}}, left: map[string]fen{"majian": 560_00}}
	overtaken = visit{key: "overtaken", at: "15:20", place: "hospital0", patient: "majian", title: "the reversal arrives before the settlement it undoes", med: outpatientCare,
		bill: inScope(75_00, 0)}
	repeated = visit{key: "the same message twice", at: "15:40", place: "pharmacy1", patient: "tangyue", title: "the till repeats itself", med: pharmacyCare,
		bill: inScope(33_20, 0), pays: []payment{{"tangyue", 33_20}}, left: map[string]fen{"tangyue": 220_00}}
	spent = visit{key: "after the credit run", at: "17:10", place: "hospital2", patient: "fangning", title: "the month's credit pays at once", med: outpatientCare,
		bill: inScope(150_00, 0), pays: []payment{{"fangning", 146_00}}, cash: 4_00, left: map[string]fen{"fangning": 0}}
)

// monthly are the story's own credits in the month's credit run.
var monthly = []payment{{"fangning", 146_00}, {"heping", 180_00}, {"chenliang", 65_40}}

// place is an institution of the story: the first pharmacy and the first hospital of each pooling area of a province.
type place struct {
	code, name string
	area       int
}

// places are the first pharmacy and hospital of each area: "pharmacy0" to "hospital2".
func places(p *province.Province) map[string]place {
	out := map[string]place{}
	for k := p.Institutions() - 1; k >= 0; k-- {
		x := p.Institution(k)
		for area, code := range province.Areas {
			if x.Area == code {
				kind := "hospital"
				if x.Type == "2" {
					kind = "pharmacy"
				}
				out[kind+string(rune('0'+area))] = place{code: x.Code, name: x.Name + " (" + kind + ", " + areaLabels[area] + ")", area: area}
			}
		}
	}
	return out
}
