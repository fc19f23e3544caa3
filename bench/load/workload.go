package load

import (
	"fmt"
	"strings"

	"gongji/bench/province"
	"gongji/engine"
	"gongji/engine/ledger"
)

// Workload is a seeded, stationary stream of calls and what it must come to.
type Workload struct {
	Name  string
	Text  string // one paragraph
	Unit  string // what a rate counts
	Every int    // settlements a credit
	Bands Bands

	world  func(persons int, seed uint64) *World
	bills  func(seed uint64) *bills
	pick   func(w *World, seed uint64) pick
	slots  func(persons int) int // of all streams together; nil: half the persons
	merged bool                  // slots of one patient in a stream owe together
	thin   bool                  // balances are not raised to what the slots owe: people run short
	split  bool                  // what relatives paid comes back to all of them in parts, so that several pay again
	asks   bool                  // previews and reads around each settlement
	mixed  bool                  // reversals, bindings and queries beside settlements
	season bool                  // premiums
	runs   bool                  // a credit run beside the tills in the second half of the measured time
}

// Bands a run must keep, else it is no result. Shares are of accepted settlements, contested of commands.
type Bands struct {
	Postings, Relatives, Cash, Several Band
	Contested                          Band // the lower end only where batches are large and sharded
	Drift                              Band
}

// Band of a figure, both ends included.
type Band struct{ Low, High float64 }

func (b Band) has(x float64) bool { return b.Low <= x && x <= b.High }

// stationary is how much the money may change over a run.
var stationary = Band{-0.05, 0.05}

const (
	unitSettlements = "settlements/s"
	unitCalls       = "calls/s"

	// aidPPM: of the uses that can touch an account, those of employees (5,486 million in 2025) and those with mutual aid (464 million), the latter.
	aidPPM = 464 * 1_000_000 / (5_486 + 464)
	// halfOddPPM, halfCashPPM, halfMeanFen are those of the workload that README's first figures come from.
	halfOddPPM, halfCashPPM, halfMeanFen = 100_000, 50_000, 105_00
	// hotPersons are hammered by hot-thin: as many as a full batch has settlements.
	hotPersons = 1_024
	// thinFen is what a hot account holds: some two mean bills.
	thinFen = 200_00
	// familyFen is what an account of family-heavy holds: less than a mean bill with mutual aid, so that several pay.
	familyFen = 70_00
)

func halfWorld(persons int, _ uint64) *World { return NewWorld(persons) }

func nationalPick(w *World, _ uint64) pick { return pickNational(w, aidPPM, employees) }

func allBills(seed uint64) *bills { return nationalBills(seed, true) }

func payableBills(seed uint64) *bills { return nationalBills(seed, false) }

// nationalBands: 92 % of the bills are employees', of whom 6.5 % have no account and 5 % an empty one, half of these with nobody who shares.
var nationalBands = Bands{Postings: Band{0.88, 0.94}, Relatives: Band{0.068, 0.088}, Cash: Band{0.07, 0.11}, Several: Band{0, 0.01}, Contested: Band{0, 0.01}, Drift: stationary}

// contestedTo are the same bands where commands of the resolver run beside: those of a credit run, premiums and reversals are all counted as contested.
func (b Bands) contestedTo(high float64) Bands {
	b.Contested.High = high
	return b
}

// Workloads are all there are.
var Workloads = []*Workload{
	{
		Name: "national", Unit: unitSettlements, Every: 10, Bands: nationalBands, world: national, bills: allBills, pick: nationalPick,
		Text: "The shape of the official figures of 2025: people, families, bindings and balances of bench/province; bills with the published means and long tails. " +
			"Patients are those whose bills can touch an account: employees, drawn evenly, and 7.8 % (464 of 5,950 million uses) people without money of their own whose relatives " +
			"share. Residents' bills that nobody shares are left out: they cost the ledger nothing but a row and would flatter the rate. About 9 % fall to cash: " +
			"flexible workers without an account, empty accounts, bills of which nothing is payable.",
	},
	{
		Name: "national-calls", Unit: unitCalls, Every: 10, Bands: nationalBands, world: national, bills: allBills, pick: nationalPick, asks: true,
		Text: "national with all that a till asks: a preview before each settlement (2101, 2206), after it what became of it by its message, for two bills in five, or the " +
			"patient's balance, for three; one bill in 64 is also read whole from log and journal. Three calls a bill. Queries carry 64 calls, as settlements go in groups.",
	},
	{
		Name: "self-only", Unit: unitSettlements, Every: 10, world: national, bills: payableBills,
		pick:  func(w *World, _ uint64) pick { return pickNational(w, 0, payers) },
		Bands: Bands{Postings: Band{0.999, 1.001}, Relatives: Band{0, 0.001}, Cash: Band{0, 0.001}, Several: Band{0, 0.001}, Contested: Band{0, 0.005}, Drift: stationary},
		Text:  "national's people and bills, but every patient has money and pays himself: one posting a bill, no relatives read.",
	},
	{
		Name: "family-heavy", Unit: unitSettlements, Every: 1, bills: payableBills, thin: true, split: true,
		world: func(persons int, _ uint64) *World { return halves(persons, 0, func(int) int64 { return familyFen }) },
		pick:  func(w *World, _ uint64) pick { return pickHalves(w.Persons, 850_000) },
		slots: func(persons int) int { return persons / 8 }, // soon gone round: where money lies settles within the warm-up
		Bands: Bands{Postings: Band{1.2, 1.42}, Relatives: Band{0.78, 0.87}, Cash: Band{0.003, 0.08}, Several: Band{0.2, 0.36}, Contested: Band{0.02, 0.9}, Drift: stationary},
		Text: "85 % of the bills are of people without an account who draw on one to three relatives, and accounts hold less than one, so that for every fourth bill several pay " +
			"and some is left to cash. What relatives paid comes back to all of them in parts: about two credits a bill.",
	},
	{
		Name: "hot-thin", Unit: unitSettlements, Every: 1, merged: true, thin: true, bills: payableBills,
		world: func(persons int, _ uint64) *World {
			hot := min(hotPersons, persons&^1)
			return halves(persons, hot, func(i int) int64 {
				if i < hot {
					return thinFen
				}
				return openingFen
			})
		},
		pick:  func(w *World, _ uint64) pick { return pickHalves(min(hotPersons, w.Persons), 500_000) },
		slots: func(int) int { return 4 * hotPersons },
		Bands: Bands{Postings: Band{0.85, 1.08}, Relatives: Band{0.42, 0.52}, Cash: Band{0.003, 0.15}, Several: Band{0.005, 0.1}, Contested: Band{0.3, 1}, Drift: stationary},
		Text: "All bills are of 1,024 people, half of them with an account of some two bills and half drawing on these: each is met once in a full batch, each account three times with its " +
			"credits, so about half the commands depend on others of their batch, and some bills fall to cash or to several. There is a credit a bill.",
	},
	{
		Name: "zipf", Unit: unitSettlements, Every: 10, merged: true, world: national, bills: allBills,
		pick:  func(w *World, seed uint64) pick { return pickZipf(w, aidPPM, seed) },
		Bands: Bands{Postings: Band{0.95, 1.0}, Relatives: Band{0.068, 0.09}, Cash: Band{0.01, 0.045}, Several: Band{0, 0.01}, Contested: Band{0, 0.02}, Drift: stationary},
		Text:  "national's people and bills, but who pays himself is drawn by Zipf's law with exponent 1: the hottest account has about 5 % of all bills. 7.8 % have relatives pay, drawn evenly.",
	},
	{
		Name: "monthly-credits", Unit: unitSettlements, Every: 10, Bands: nationalBands.contestedTo(0.7), world: national, bills: allBills, pick: nationalPick, runs: true,
		Text: "national's tills; in the second half of the measured time a credit run of the bulk class goes over all accounts beside them, as fast as it may: once a person and period. " +
			"The tills' latency is told of both halves. Amounts are a twenty-fifth of the published monthly ones, so that the run does not move the money out of its band.",
	},
	{
		Name: "premium-season", Unit: unitSettlements, Every: 10, Bands: nationalBands.contestedTo(0.12), world: national, bills: allBills, pick: nationalPick, season: true,
		Text: "national's tills; after every tenth bill an authorizer pays a relative's yearly premium of 400 yuan from his account, of another year each time, and gets it back before the next.",
	},
	{
		Name: "mixed", Unit: unitCalls, Every: 10, Bands: nationalBands.contestedTo(0.05), world: national, bills: allBills, pick: nationalPick, mixed: true,
		Text: "national's bills, of which one in 50 is undone, by its id or its message in turn; queries (64 previews, 64 reads) after each request of a till, and after every fourth " +
			"16 new bindings or the end of the 16 made before. Bindings make their batch serial, reversals wait for the journal.",
	},
	{
		Name: "half", Unit: unitSettlements, Every: 10, world: halfWorld,
		bills: func(seed uint64) *bills { return plainBills(seed, halfMeanFen, halfCashPPM) },
		pick:  func(w *World, _ uint64) pick { return pickHalves(w.Persons, halfOddPPM) },
		Bands: Bands{Postings: Band{0.93, 0.97}, Relatives: Band{0.08, 0.11}, Cash: Band{0.04, 0.06}, Several: Band{0, 0.01}, Contested: Band{0, 0.01}, Drift: stationary},
		Text: "The older shape, to compare with older figures: half the persons own an account with 4,084 yuan, half have none and one to three authorizers; 10 % of the bills need one, " +
			"5 % have nothing payable, the rest is exponential with mean 105 yuan.",
	},
}

// Find gives a workload by its name, nil if there is none.
func Find(name string) *Workload {
	for _, w := range Workloads {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// Known gives a workload by its name.
func Known(name string) (*Workload, error) {
	if w := Find(name); w != nil {
		return w, nil
	}
	var names []string
	for _, w := range Workloads {
		names = append(names, w.Name)
	}
	return nil, fmt.Errorf("no workload %q; there are %s", name, strings.Join(names, ", "))
}

// distance is how far ahead of the next slot the one lies that is credited: none, so that it does not run short; where balances are thin half the way round,
// so that what is credited is not at once asked for again.
func (shape *Workload) distance(slots int) int {
	if shape.thin {
		return slots / 2
	}
	return 0
}

// keeps reports whether bills are asked about or undone later.
func (shape *Workload) keeps() bool { return shape.asks || shape.mixed }

// Policy is Hubei's without the e-voucher, which these persons do not need; mixed unbinds at once.
func (shape *Workload) Policy() ledger.Policy {
	p := engine.Hubei
	p.Evouchers = 0
	if shape.mixed {
		p.MinBindMonths = 0
	}
	return p
}

const _ = uint(province.MaxPersons - 100_000_000) // the largest world anybody plans for
