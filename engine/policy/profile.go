package policy

import "time"

// Profile is one version of one region's rules: every knob has a value. It is made by Parse, which has checked it; a changed copy is not. The
// fields' names, values, units and rules are in the table of knobs (knobs.go).
type Profile struct {
	Name          string
	Title         string
	Version       int64
	EffectiveFrom string // 2006-01-02, the first day at +08:00
	Province      string

	SourceStrategy       string
	SelfFirst            bool
	Flag1OwnOnly         bool
	PayableParts         []string
	PayablePlaces        []string
	FundSumIncludesAcct  bool
	Reversible           []string
	DayCloseMinutesAfter int64

	AllowedRelations         []string
	MaxAuthorizersPerUser    int64 // or None, as all that may be "none"
	MaxFamiliesPerPerson     int64
	MinBindMonths            int64
	UserStatusRequired       string
	AccountBearingCategories []string
	Territory                string
	AgreedProvinces          []string
	UserMayUnbind            bool

	UserConsentRequired bool
	ConsentExpiryDays   int64
	FaceRequiredFromAge int64
	FaceAgeInclusive    bool
	CommitmentTemplate  string // NoText: none
	CommitmentVersion   string
	CommitmentEachTime  bool
	QAVersion           string
	DataConsentRequired bool
	PhoneRequired       bool
	CertTypeInput       string
	CertTypeDefault     string
	OfflineReview       bool

	AccountPassword     string
	PasswordTries       int64
	PasswordLockMinutes int64

	PremiumAllowed     bool
	PremiumTypes       []string
	PremiumSeasonFrom  string // MM-DD or NoText
	PremiumSeasonUntil string

	AllocMaxAmount           int64 // fen
	AllocMaxTimes            int64
	CreatorPausedMoneyUsable bool

	RegistrationOpenDays int64
	RegistrationKeepDays int64
	StayKeepDays         int64
	MaxOpenVisits        int64
	MaxLinesPerVisit     int64
	MaxVisitRows         int64

	ClrTypeDefault string
	Channels       []Channel // by code
	ClrTypes       []ClrRule // the first that fits counts
}

// Channel is a way in which people bind, unbind and allocate (K22, domain-rules.md 15).
type Channel struct {
	Name                  string
	Title                 string
	Aliases               []string // other names it has or had (K17)
	Kind                  string
	Login                 []string
	RequireEvoucherActive bool
}

// ClrRule gives a clearing category to bills (R16). An empty list fits every bill.
type ClrRule struct {
	Code          string
	MedType       []string
	FixmedinsType []string
	Insutype      []string
}

// None stands for "none" in a knob that is a number; NoText in one that is a text.
const (
	None   = -1
	NoText = "none"
)

// Limits of the format.
const (
	FileMax      = 64 << 10 // bytes of a file; the shipped ones have about 6,000
	CanonicalMax = 12 << 10 // bytes of the canonical text, which one command of the log carries
	listMax      = 64       // values of a list, rows of a table
	textMax      = 60       // characters of a title or alias
)

// ChannelNames are the channels a profile may name. The number of one is its index + 1 and part of the log: append only.
var ChannelNames = [...]string{
	"wechat",        // 湖北医疗保障 WeChat mini-program
	"alipay",        // 湖北医疗保障 (鄂医保) Alipay mini-program
	"ehuiban",       // 鄂汇办
	"gansu_app",     // 甘肃省医疗保障局移动端
	"national_app",  // 国家医保服务平台APP
	"hall",          // 医保大厅, a counter
	"bureau_wechat", // a local bureau's WeChat account
	"bureau_web",    // a local bureau's web site
}

// StartOf is the first instant of a day at +08:00, in ms since 1970 UTC; false if the text is no day.
func StartOf(day string) (ms int64, ok bool) {
	t, err := time.ParseInLocation(time.DateOnly, day, china)
	if err != nil || t.Year() < yearMin || t.Year() > yearMax {
		return 0, false
	}
	return t.UnixMilli(), true
}

// No rule is older than the scheme of 1998, and a year above yearMax is a slip of the pen.
const yearMin, yearMax = 1998, 2199

var china = time.FixedZone("+08:00", 8*60*60)

// DayOf is the civil day at +08:00 of an instant in ms since 1970 UTC.
func DayOf(ms int64) string { return time.UnixMilli(ms).In(china).Format(time.DateOnly) }

// ClrType is the clearing category of a bill (R16).
func (p *Profile) ClrType(medType, fixmedinsType, insutype string) string {
	for i := range p.ClrTypes {
		r := &p.ClrTypes[i]
		if fits(r.MedType, medType) && fits(r.FixmedinsType, fixmedinsType) && fits(r.Insutype, insutype) {
			return r.Code
		}
	}
	return p.ClrTypeDefault
}

func fits(list []string, value string) bool {
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return len(list) == 0
}

// relationCodes are the codes of agnter_rlts by the names of allowed_relations (B1: eight groups, six codes).
var relationNames = []string{"spouse", "child", "grandchild", "parent", "grandparent", "sibling"}
var relationCodes = []uint{1, 2, 4, 5, 6, 7}

var (
	strategyNames  = []string{"random", "ordered", "allocated"}
	partNames      = []string{"inscp_scp_amt", "preselfpay_amt", "overlmt_selfpay", "fulamt_ownpay_amt"}
	placeNames     = []string{"institution", "pharmacy"}
	reversalNames  = []string{"settlement", "cancel"}
	categoryNames  = []string{"employed", "retired", "flexible"}
	territoryNames = []string{"province", "pooling_area", "cross_province"}
	premiumNames   = []string{"resident", "similar"}
	kindNames      = []string{"online", "counter"}
)

// LoginNames are the ways of signing in; the number is the index + 1 and part of the log (C4, C5, G3).
var LoginNames = [...]string{"evoucher", "id_card", "real_person", "document"}
