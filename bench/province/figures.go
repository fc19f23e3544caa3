package province

// The published figures, from nhsa-interface.md section 3, all of them national. "Assumed" marks what
// the sources do not give.
const (
	// 2025 bulletin, hundreds of persons.
	insuredHundreds  = 13_306_939
	employeeHundreds = 3_885_612
	accountHundreds  = 3_632_272
	// 2024 bulletin: the employee insured, active and retired, hundreds of persons.
	activeHundreds2024  = 2_749_184
	retiredHundreds2024 = 1_045_750

	retiredHundreds = employeeHundreds * retiredHundreds2024 / (activeHundreds2024 + retiredHundreds2024)
	// Employee insured without an account: taken as flexible employment (S0 in domain-rules.md, B11).
	flexibleHundreds = employeeHundreds - accountHundreds
	// Active with an account; every retired one is taken to have one.
	activeHundreds = accountHundreds - retiredHundreds

	// Benefit uses in 2025, millions: all, at pharmacies, inpatient.
	employeeUses, employeePharmacyUses, employeeInpatientUses = 5_486, 2_251, 83
	residentUses, residentPharmacyUses, residentInpatientUses = 3_268, 50, 196

	// Mutual aid January to November 2024, millions of yuan, by place.
	aidInstitutionYuan, aidPharmacyYuan = 34_308, 2_072

	// MeanPayableFen is what one use takes from the accounts, in fen: 578.228 bn yuan over 5.486 bn uses (2025).
	MeanPayableFen = 10_540
	// MeanAidFen is the mean payable of a use that needs authorizers, in fen: 68.8 bn yuan over 464 M uses (2025).
	MeanAidFen = 14_828
	// MeanOpeningFen is the mean opening balance, in fen: 1,447.175 bn yuan over 354.3502 M accounts (end of 2024).
	MeanOpeningFen = 408_402
	// RetiredMonthlyFen is the monthly credit of a retired person, in fen: 65.40 yuan (domain-rules.md L8).
	RetiredMonthlyFen = 6_540
	// meanAllMonthlyFen: 639.069 bn yuan of income over 363.2272 M accounts and 12 months (2025), in fen.
	meanAllMonthlyFen = 14_662
	// MeanActiveMonthlyFen is the mean monthly credit of an active employee, so that the mean over all accounts is the published one.
	MeanActiveMonthlyFen = (meanAllMonthlyFen*accountHundreds - RetiredMonthlyFen*retiredHundreds) / activeHundreds

	// DefaultAidPPM is the share of uses with mutual aid: 464 M of 8,754 M (2025), parts per million.
	DefaultAidPPM = 464 * million / (employeeUses + residentUses)

	// personsPerInstitution: 1.36 bn insured and 800,000 connected institutions (about 2022).
	personsPerInstitution = 1_700
)

// Assumed, because no source gives them.
const (
	pausedPPM         = 10_000  // enrolment status 2 instead of 1
	voucherPPM        = 900_000 // e-voucher activated
	bindPPM           = 500_000 // a possible binding exists
	otherAreaPPM      = 120_000 // a working person is insured in a pooling area drawn afresh; gives about the published 7.8 % of uses across areas
	emptyAccountPPM   = 50_000  // opening balance 0
	zeroPayablePPM    = 10_000  // a bill of which nothing may be paid from accounts (R2)
	localPPM          = 900_000 // the institution lies in the patient's own pooling area
	overLimitPPM      = 100_000 // a bill with a part above the price ceiling
	hospitalBearsPPM  = 200_000 // of those: the institution bears some of it (hosp_part_amt)
	ownPayPPM         = 300_000 // a bill with a part outside the catalogue
	firstBornePPM     = 500_000 // a hospital bill with a first-borne part
	pharmacyPooledPPM = 200_000 // a pharmacy bill with a share of the pooled fund
)

// tableMean is the mean of the two tables below: they are in ten-thousandths of the mean.
const tableMean = 10_000

// A skew is the inverse distribution function of a log-normal amount at 0, 1/32 ... 31/32 and 0.999 (for 1),
// scaled to mean 10,000 with straight lines between. Integers, because floats may be fused differently on
// another processor and no float touches money here.
type skew [33]int64

// skewBill has sigma 1.0, skewBalance 1.3: chosen by eye for "many small, few large" (assumed).
var (
	skewBill = skew{0, 873, 1212, 1505, 1780, 2048, 2315, 2586, 2864, 3151, 3448, 3760, 4088, 4435, 4804, 5198, 5622, 6081,
		6580, 7127, 7732, 8406, 9166, 10033, 11036, 12221, 13651, 15436, 17762, 21004, 26071, 36214, 123586}
	skewBalance = skew{0, 326, 500, 663, 824, 989, 1160, 1340, 1530, 1732, 1948, 2179, 2430, 2701, 2997, 3320, 3677, 4071,
		4511, 5005, 5563, 6202, 6941, 7806, 8836, 10088, 11650, 13667, 16403, 20397, 27014, 41411, 204240}
)

// amount draws an amount in fen with the given mean: at least 1 fen, at most about 20 times the mean.
func (s *skew) amount(word uint64, meanFen int64) int64 {
	k := word >> 59
	fraction := int64(word >> 35 & (1<<24 - 1))
	ratio := s[k]<<24 + (s[k+1]-s[k])*fraction // ten-thousandths of the mean, shifted by 24 bits; below 2^42
	fen := ratio / tableMean * meanFen >> 24   // below 2^42 / 10^4 * 10^6: no overflow for means up to 10^10 fen
	return max(fen, 1)
}
