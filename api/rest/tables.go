package rest

import (
	"strconv"

	"github.com/puzpuzpuz/xsync/v3"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// channelNames are the ways in which people bind and unbind (domain-rules.md 15). The number is the index + 1 and part of the log.
var channelNames = policy.ChannelNames

// sourceNames are the funding sources of credits; the number is the index + 1 and part of the log.
var sourceNames = [...]string{
	"contribution", // monthly credit from contributions (划入)
	"opening",      // opening balance of a migrated account
	"transfer_in",  // from another pooling area
	"interest",
	"correction",
	"refund",  // money brought back from outside
	"subsidy", // from a public budget
	"other",
}

// relationNames are the codes of agnter_rlts that can be sent; which of them are allowed is the profile's (K1), so 8 and 9 reach the
// ledger and are refused by it.
var relationNames = [...]string{"1", "2", "4", "5", "6", "7", "8", "9"}

// stateNames are the states of a binding (R20); the number is the index + 1 and part of the log.
var stateNames = [...]string{"active", "invited", "pending_review", "unbound", "rejected", "expired", "suspended"}

// endReasonNames are the reasons of the bureau to end a binding by force (R21); the number is the index + 1 and part of the log.
var endReasonNames = [...]string{"dispute", "fraud", "relation_ended", "wrong_data", "death", "court_order", "other"}

// Callers of the calls that say no channel.
var (
	callerBinding = []byte("binding")
	callerOrder   = []byte("debit-order")
)

var (
	channelEnum   = strictjson.MustEnum(channelNames[:]...)
	sourceEnum    = strictjson.MustEnum(sourceNames[:]...)
	relationEnum  = strictjson.MustEnum(relationNames[:]...)
	shortfallEnum = strictjson.MustEnum("cash", "refuse")
	usedFlagEnum  = strictjson.MustEnum("0", "1", "2")
	credentials   = strictjson.MustEnum("01", "02", "03") // mdtrt_cert_type: e-voucher, identity card, social-security card
	placeTypes    = strictjson.MustEnum("1", "2", "3", "4", "5")
	reasonEnum    = strictjson.MustEnum(reasonNames[:]...)
	cardTypeEnum  = strictjson.MustEnum("03")
	cardStateEnum = strictjson.MustEnum(cardStates[:]...)
	freezeEnum    = strictjson.MustEnum("unfreeze", "freeze")
	whyFrozenEnum = strictjson.MustEnum(freezeReasons[:]...)
	secretEnum    = strictjson.MustEnum("set", "change")
	gendEnum      = strictjson.MustEnum("0", "1", "2", "9")
	flagEnum      = strictjson.MustEnum("0", "1")
	statusEnum    = strictjson.MustEnum("0", "1", "2", "3", "4") // psn_insu_stas
	originalEnum  = strictjson.MustEnum("settlement", "reversal")
	loginEnum     = strictjson.MustEnum(policy.LoginNames[:]...)
	answerEnum    = strictjson.MustEnum("accept", "decline")
	reviewEnum    = strictjson.MustEnum("approve", "reject")
	endReasonEnum = strictjson.MustEnum(endReasonNames[:]...)
)

// reasonNames of an enrolment (R19), cardStates (R27), freezeReasons (R21); the number is the index + 1 and part of the log.
var (
	reasonNames   = [...]string{"ended", "dead", "moved", "correction", "other"}
	cardStates    = [...]string{"active", "lost", "cancelled"}
	freezeReasons = [...]string{"court", "fraud", "estate", "dispute", "lost_credential", "other"}
)

var gends = [...]uint8{0, 1, 2, 9}

const identityCard = "01" // psn_cert_type

// Texts of callers that are ours: no institution may have one of them as its code, or the two would share message ids.
var (
	callerBureau = []byte("bureau")
	callerLoad   = []byte("load")
)

func reservedCaller(code []byte) bool {
	for _, ours := range [...][]byte{callerBureau, callerLoad, callerBinding, callerOrder} {
		if string(code) == string(ours) {
			return true
		}
	}
	for _, n := range channelNames {
		if string(code) == n {
			return true
		}
	}
	return false
}

// institutionTypes remembers fixmedins_type by code, which never changes: clr_type needs it in every answer. Only institutions that the
// ledger knows are kept, so the table is bounded by theirs.
type institutionTypes struct {
	byCode *xsync.MapOf[ledger.Code, uint8]
}

func newInstitutionTypes() institutionTypes {
	return institutionTypes{xsync.NewMapOf[ledger.Code, uint8]()}
}

// placeOf gives the kind of an institution, 0 if the ledger does not know it. It is looked up before the command is submitted, so that
// nothing can go wrong between the decision and its answer.
func (f *face) placeOf(code ledger.Code) (uint8, api.Problem) {
	if t, found := f.types.byCode.Load(code); found {
		return t, api.Problem{}
	}
	return f.askPlace(code)
}

func (f *face) askPlace(code ledger.Code) (place uint8, p api.Problem) {
	p = f.ask(func(v engine.View) {
		if n, found := v.State.FindInstitution(&code); found {
			place = v.State.Institutions.At(n).Type
		}
	})
	if p.Code == "" && place != 0 {
		f.types.byCode.Store(code, place)
	}
	return place, p
}

// codeText is a national code as it is written: at least two digits.
func codeText(dst []byte, n uint32) []byte {
	if n < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, uint64(n), 10)
}
