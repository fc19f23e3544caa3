package province

import "testing"

// within tells whether got is within 1 % (by default) of want.
func within(t *testing.T, what string, got, want int64, percent int64) {
	t.Helper()
	if diff := max(got-want, want-got); diff*100 > want*percent {
		t.Errorf("%s: %d, published %d: off by more than %d %%", what, got, want, percent)
	}
}

func TestSharesAreThePublishedOnes(t *testing.T) {
	p := New(1, testPersons)
	counts := map[Category]int64{}
	var opening, active, monthly int64
	for i := range p.Persons() {
		x := p.Person(i)
		counts[x.Category]++
		age := (RefDay - x.BirthDay) / 365
		switch {
		case x.Category == Retired && age < 60, x.Category == Active && (age < 18 || age >= 60), x.Category == Flexible && age >= 60:
			t.Fatalf("person %d: category %d at age %d", i, x.Category, age)
		case !x.Category.HasAccount() && (x.OpeningFen != 0 || x.MonthlyFen != 0):
			t.Fatalf("person %d has money without an account", i)
		case x.Category == Retired && x.MonthlyFen != 6540:
			t.Fatalf("person %d: retired, credited %d fen", i, x.MonthlyFen)
		}
		opening += x.OpeningFen
		monthly += x.MonthlyFen
		if x.Category == Active {
			active += x.MonthlyFen
		}
	}
	// The figures again, as published (millions): not taken from the generator's constants.
	accounts := counts[Active] + counts[Retired]
	employees := accounts + counts[Flexible]
	within(t, "with account", accounts, testPersons*3632272/13306939, 1)
	within(t, "employees", employees, testPersons*3885612/13306939, 1)
	within(t, "residents", counts[Resident], testPersons*9421327/13306939, 1)
	within(t, "retired of the employees", counts[Retired], employees*1045750/3794934, 1)
	within(t, "mean opening balance, fen", opening/accounts, 408_402, 3)
	within(t, "mean monthly credit, fen", monthly/accounts, 63906900*10000/(3632272*12), 3)
	t.Logf("accounts %d, employees %d, retired %d, opening mean %d fen, monthly mean %d fen, active %d fen",
		accounts, employees, counts[Retired], opening/accounts, monthly/accounts, active/counts[Active])
}

func TestSkewTablesHaveTheirMean(t *testing.T) {
	for name, table := range map[string]*skew{"bill": &skewBill, "balance": &skewBalance} {
		var twice int64
		for k := range len(table) - 1 {
			if table[k] >= table[k+1] {
				t.Errorf("%s: not increasing at %d", name, k)
			}
			twice += table[k] + table[k+1]
		}
		if mean := twice * 100 / (2 * 32); mean < 999_900 || mean > 1_000_100 {
			t.Errorf("%s: mean %d hundredths, want 1,000,000", name, mean)
		}
		if median := table[16]; median*2 > tableMean*2-tableMean/2 {
			t.Errorf("%s: median %d of mean %d is not skewed", name, median, tableMean)
		}
	}
}

func TestInstitutions(t *testing.T) {
	p := New(2, 1_000_000)
	types, areas, seen := map[string]int{}, map[string]int{}, map[string]bool{}
	for k := range p.Institutions() {
		x := p.Institution(k)
		if len(x.Code) != 12 || seen[x.Code] || (x.Type == "2") != (x.Code[0] == 'P') || (x.Type == "1") != (x.Code[0] == 'H') || (x.Lv == "") != (x.Type == "2") {
			t.Fatalf("institution %d: %+v", k, x)
		}
		seen[x.Code] = true
		types[x.Type]++
		areas[x.Area]++
	}
	if p.Institutions() != 600 || types["1"] != 300 || types["2"] != 300 || areas[Areas[0]] != 300 || areas[Areas[2]] != 120 {
		t.Errorf("%d institutions, types %v, areas %v", p.Institutions(), types, areas)
	}
	if last := New(2, MaxPersons); len(last.Institution(last.Institutions()-1).Code) != 12 || last.Institutions() > 99_999 {
		t.Errorf("%d institutions do not fit 5 digits", last.Institutions())
	}
}

func TestWrongSizesPanic(t *testing.T) {
	for name, call := range map[string]func(){
		"none": func() { New(1, 0) }, "too many": func() { New(1, MaxPersons+1) },
		"person": func() { New(1, 10).Person(10) }, "negative": func() { New(1, 10).Person(-1) },
		"institution": func() { New(1, 10).Institution(20) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			call()
		})
	}
}

func BenchmarkPerson(b *testing.B) {
	p := New(1, 100_000_000)
	b.ReportAllocs()
	for n := range b.N {
		_ = p.Person(n * 7919 % 100_000_000)
	}
}

func BenchmarkBindings(b *testing.B) {
	p := New(1, 100_000_000)
	families := p.Families()
	var dst []Binding
	b.ReportAllocs()
	for n := range b.N {
		dst = p.AppendBindings(dst[:0], n*7919%families)
	}
}

func BenchmarkDayAt(b *testing.B) {
	d := New(1, 1_000_000).Day(1).WithCount(1 << 30)
	b.ReportAllocs()
	for n := range b.N {
		_ = d.At(n)
	}
}

func BenchmarkAppendPerson(b *testing.B) {
	p := New(1, 100_000_000)
	var buf []byte
	b.ReportAllocs()
	for n := range b.N {
		buf = p.AppendPerson(buf[:0], n)
	}
	b.SetBytes(int64(len(buf) + 1))
}
