package oracle

import (
	"fmt"

	"gongji/bench/model"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// Encode gives the bytes of a batch of the model.
func Encode(b model.Batch) []byte {
	dst := command.BeginBatch(nil)
	for _, c := range b.Commands {
		dst = AppendCommand(dst, c)
	}
	command.EndBatch(dst, len(b.Commands), b.TimeMS)
	return dst
}

// IsMoney reports whether all commands only move money.
func IsMoney(b model.Batch) bool {
	for _, c := range b.Commands {
		if !ledger.Kind(c.Kind()).IsMoney() {
			return false
		}
	}
	return true
}

// AppendCommand appends one command in its log encoding.
func AppendCommand(dst []byte, c model.Command) []byte {
	cmd := ledger.Command{Kind: ledger.Kind(c.Kind()), More: &ledger.More{}}
	fill(&cmd, c)
	return command.Append(dst, &cmd, &command.Details{})
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func fill(cmd *ledger.Command, c model.Command) {
	switch c := c.(type) {
	case model.Genesis:
		cmd.More.Ledger = c.LedgerID
	case model.Policy:
		cmd.More.Policy = Policy(c)
	case model.DayKey:
		cmd.Day, cmd.More.Hash, cmd.More.Sealed = c.Day, c.Hash, c.Sealed
	case model.DayKeyPublish:
		cmd.Day, cmd.More.Key = c.Day, c.Key
	case model.Tick, model.ClockConfirm:
	case model.Person:
		cmd.ID, cmd.Person, cmd.Other, cmd.Birth, cmd.Area = c.ID, c.Psn, c.Pseudonym, c.Birth, c.Area
		cmd.Has = uint16(bit(c.HasAccount))*ledger.HasAccount | uint16(bit(c.EvoucherActive))*ledger.EvoucherActive
		for _, e := range c.Enrolments {
			cmd.More.Enrolments = append(cmd.More.Enrolments, enrolment(e))
		}
	case model.Enrolment:
		cmd.ID, cmd.Person = c.ID, c.Psn
		cmd.More.Enrolments = append(cmd.More.Enrolments, enrolment(c.Insurance))
	case model.Institution:
		cmd.Institution, cmd.InstitutionOf, cmd.Area = ledger.NewCode([]byte(c.Code)), c.Type, c.Area
	case model.RunOpen:
		cmd.Other, cmd.Source, cmd.Period, cmd.Count, cmd.Amount = c.Run, c.Source, c.Period, int64(c.Count), c.Amount
	case model.RunClose:
		cmd.Other = c.Run
	default:
		if !fillBinding(cmd, c) && !fillVisit(cmd, c) {
			fillMoney(cmd, c)
		}
	}
}

// fillBinding knows the commands about bindings and families.
func fillBinding(cmd *ledger.Command, c model.Command) bool {
	more := cmd.More
	switch c := c.(type) {
	case model.Binding:
		cmd.ID, cmd.Person, cmd.Other, cmd.Relation, cmd.Order, cmd.Channel = c.ID, c.Authorizer, c.UserPseudonym, c.Relation, c.Order, c.Channel
		cmd.Login, cmd.Steps, more.Commitment, more.Questions = c.Login, c.Steps, c.Commitment, c.Questions
	case model.Unbinding:
		cmd.ID, cmd.Person, cmd.AsUser, cmd.Channel, cmd.Steps, more.Bindings = c.ID, c.Actor, c.AsUser, c.Channel, c.Steps, c.Bindings
	case model.BindingConsent:
		cmd.ID, cmd.Person, cmd.Binding, cmd.Accept, cmd.Steps = c.ID, c.User, c.Binding, c.Accept, c.Steps
	case model.BindingReview:
		cmd.ID, cmd.Binding, cmd.Accept = c.ID, c.Binding, c.Accept
	case model.BindingWithdraw:
		cmd.ID, cmd.Person, cmd.Binding = c.ID, c.Authorizer, c.Binding
	case model.ForcedUnbinding:
		cmd.ID, cmd.Binding, cmd.Reason, cmd.Person, cmd.Other = c.ID, c.Binding, c.Reason, ledger.Key(c.Officers[0]), ledger.Key(c.Officers[1])
	case model.DebitOrder:
		cmd.ID, cmd.Person, more.Bindings = c.ID, c.Patient, c.Elements
	case model.FamilyOpen:
		cmd.ID, cmd.Person, cmd.Channel = c.ID, c.Creator, c.Channel
	case model.FamilyDissolution:
		cmd.ID, cmd.Person, cmd.Binding, cmd.Channel = c.ID, c.Creator, c.Family, c.Channel
	case model.Freeze:
		cmd.ID, cmd.Person = c.ID, c.Psn
		cmd.More.Freeze = ledger.Freeze{IsFamily: c.IsFamily, Frozen: c.Frozen, Reason: c.Reason, Family: c.Family, Operators: [2]ledger.Key{c.Operators[0], c.Operators[1]}}
	case model.Password:
		cmd.ID, cmd.Person = c.ID, c.Psn
		cmd.More.Secret = ledger.Secret{Action: ledger.PasswordAction(c.Action), Old: c.Old, New: c.New}
	case model.Credential:
		cmd.ID, cmd.Person, cmd.Other, cmd.CredType, cmd.More.State = c.ID, c.Psn, c.Card, ledger.CredentialCard, c.State
	case model.PersonChange:
		cmd.ID, cmd.Person = c.ID, c.Psn
		change(&cmd.More.Change, c)
	default:
		return false
	}
	return true
}

func change(x *ledger.Change, c model.PersonChange) {
	if c.OpenAccount {
		x.Mask |= ledger.ChangeAccount
	}
	if c.Evoucher != nil {
		x.Mask, x.Evoucher = x.Mask|ledger.ChangeEvoucher, *c.Evoucher
	}
	if c.Area != nil {
		x.Mask, x.Area = x.Mask|ledger.ChangeArea, *c.Area
	}
	if c.Birth != nil {
		x.Mask, x.Birth = x.Mask|ledger.ChangeBirth, *c.Birth
	}
}

func enrolment(c model.Insurance) ledger.Enrolment {
	return ledger.Enrolment{Insutype: c.Insutype, Status: c.Status, Area: c.Area, Begin: c.Begin, End: c.End, PsnType: c.PsnType, Flexible: c.Flexible,
		Reason: ledger.Reason(c.Reason)}
}

func fillMoney(cmd *ledger.Command, c model.Command) {
	cmd.More = nil
	switch c := c.(type) {
	case model.Credit:
		cmd.ID, cmd.Person, cmd.Amount, cmd.Source, cmd.Period, cmd.Other = c.ID, c.Psn, c.Amount, c.Source, c.Period, c.Run
	case model.Settlement:
		cmd.ID, cmd.Person, cmd.Other, cmd.Institution = c.ID, c.Psn, c.Credential, ledger.NewCode([]byte(c.Institution))
		cmd.CredType, cmd.Day = ledger.CredentialType(c.CredentialType), c.Visit
		cmd.Visit, cmd.Batch, cmd.Interim = ledger.Position(c.Opened), c.Batch, c.Interim
		for _, p := range c.Passwords {
			cmd.Passwords = cmd.Passwords.Add(p.Authorizer, p.Digest)
		}
		cmd.UsedFlag, cmd.Refuse = c.AcctUsedFlag, c.OnShortfall == 1
		cmd.Bill = ledger.BillInput{Medfee: c.Medfee, Fund: c.Fund, HospPart: c.HospPart, Preselfpay: c.Preselfpay, Inscp: c.Inscp, Overlmt: c.Overlmt, Fulamt: c.Fulamt}
		if c.Expected != nil {
			cmd.HasExpected, cmd.ExpectedAcct, cmd.ExpectedCash = true, c.Expected.AcctPay, c.Expected.Cash
		}
	case model.ReversalByID:
		cmd.ID, cmd.Person, cmd.Institution, cmd.Settlement = c.ID, c.Psn, ledger.NewCode([]byte(c.Institution)), ledger.Position(c.Settlement)
	case model.ReversalByMessage:
		cmd.ID, cmd.Person, cmd.Institution, cmd.Other, cmd.Original = c.ID, c.Psn, ledger.NewCode([]byte(c.Institution)), c.OriginalID, ledger.OriginalKind(c.OriginalKind)
	case model.Allocation:
		cmd.ID, cmd.Person, cmd.Amount, cmd.Channel = c.ID, c.Creator, c.Amount, c.Channel
	case model.Premium:
		cmd.ID, cmd.Person, cmd.Other, cmd.Source, cmd.Period, cmd.Amount = c.ID, c.Payer, c.Insured, c.Type, c.Year, c.Amount
	case model.PremiumRefund:
		cmd.ID, cmd.Person, cmd.Settlement = c.ID, c.Payer, ledger.Position(c.Premium)
	case model.AccountDebit:
		cmd.ID, cmd.Person, cmd.Amount, cmd.Source, cmd.Other, cmd.Second = c.ID, c.Psn, c.Amount, c.Reason, c.First, c.Second
	default:
		panic(fmt.Sprintf("kind %d of the model is unknown here", c.Kind()))
	}
}
