package till

// Item is a line of a bill.
type Item struct {
	Code, Name string // med_list_codg
	Count      int64  // 1e-4
	Price      int64  // 1e-6 yuan
	Returns    int    // of a returned line, whose Count is negative: number of the line it returns, from 1
}

// Amount is price times count, half up.
func (i *Item) Amount() Fen { return product(i.Price, i.Count) }

// Total of a bill.
func Total(items []Item) (sum Fen) {
	for i := range items {
		sum += items[i].Amount()
	}
	return sum
}

const (
	yuan = 1_000_000 // of Price
	one  = 10_000    // of Count
)

// Goods of the demonstration: codes of the demo catalogue (api/nhsa/catalogue), invented like it, and one that is in no catalogue.
var (
	drugs = []Item{
		{Code: "XA01DEMO0001", Name: "阿莫西林胶囊", Price: 11_900_000}, {Code: "XA01DEMO0002", Name: "布洛芬缓释胶囊", Price: 15_800_000},
		{Code: "XA01DEMO0003", Name: "二甲双胍片", Price: 5_400_000}, {Code: "XA01DEMO0005", Name: "阿托伐他汀钙片", Price: 10_500_000},
		{Code: "ZA01DEMO0002", Name: "连花清瘟胶囊", Price: 14_750_000}, {Code: "ZA01DEMO0004", Name: "六味地黄丸", Price: 19_500_000},
		{Code: "TA01DEMO0001", Name: "当归(克)", Price: 185_000}, {Code: "XA01DEMO0009", Name: "孟鲁司特钠咀嚼片", Price: 17_333_333},
		{Code: "NOT-IN-LIST1", Name: "润喉糖", Price: 8_800_000},
	}
	clinic = []Item{
		{Code: "SA01DEMO0001", Name: "普通门诊诊查费", Price: 10 * yuan}, {Code: "SA01DEMO0003", Name: "血常规", Price: 20 * yuan},
		{Code: "SA01DEMO0004", Name: "肝功能全套", Price: 62 * yuan}, {Code: "XA01DEMO0001", Name: "阿莫西林胶囊", Price: 11_900_000},
	}
	ward = []Item{
		{Code: "SA01DEMO0007", Name: "普通床位费", Price: 40 * yuan}, {Code: "SA01DEMO0012", Name: "二级护理", Price: 18 * yuan},
		{Code: "SA01DEMO0009", Name: "静脉输液", Price: 8 * yuan}, {Code: "CA01DEMO0001", Name: "一次性输液器", Price: 2_800_000},
		{Code: "SA01DEMO0010", Name: "阑尾切除术", Price: 980 * yuan},
	}
)

func some(i Item, count int64) Item {
	i.Count = count * one
	return i
}

// DemoPurchase is a bill of the pharmacy: class A, class B above its ceiling, herbs by the gram, something outside the catalogue.
func DemoPurchase() []Item {
	return []Item{some(drugs[0], 2), some(drugs[3], 1), some(drugs[6], 30), some(drugs[8], 1)}
}

// DemoClinic is a bill of the outpatient department.
func DemoClinic() []Item { return []Item{some(clinic[0], 1), some(clinic[1], 1), some(clinic[3], 2)} }

// DemoWard is a stay of three days; one infusion set comes back unused (R29).
func DemoWard() []Item {
	back := some(ward[3], -1)
	back.Returns = 4
	return []Item{some(ward[0], 3), some(ward[1], 3), some(ward[2], 4), some(ward[3], 5), some(ward[4], 1), back}
}
