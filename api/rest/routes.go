package rest

import (
	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/policy"
)

// call is a route with the fields its body may have: what the OpenAPI document is compared with.
type call struct {
	api.Route
	body  *strictjson.Shape
	parts map[string]*strictjson.Shape // objects inside, by field
	query []string
}

var (
	settlementParts = map[string]*strictjson.Shape{"expected": expectedShape, "passwords": passwordShape, "agent": agentShape}
	bindingParts    = map[string]*strictjson.Shape{"commitment": commitmentShape, "auth": authShape, "application": applicationShape}
	personParts     = map[string]*strictjson.Shape{"enrolments": enrolmentShape}
	unbindingParts  = map[string]*strictjson.Shape{"application": applicationShape}
)

// calls is the table of all calls, in the order of api.md.
func (f *face) calls() []call {
	post := func(name, pattern string, on api.Listener, h api.Handler) api.Route {
		return api.Route{Name: name, Method: "POST", Pattern: pattern, Listener: on, Media: api.JSON, Handler: h}
	}
	get := func(name, pattern string, on api.Listener, h api.Handler) api.Route {
		return api.Route{Name: name, Method: "GET", Pattern: pattern, Listener: on, Handler: h}
	}
	put := func(name, pattern string, on api.Listener, h api.Handler) api.Route {
		return api.Route{Name: name, Method: "PUT", Pattern: pattern, Listener: on, Media: api.JSON, Handler: h}
	}
	lines := func(r api.Route) api.Route {
		r.Media, r.BodyMax = api.NDJSON, api.BatchBodyMax
		return r
	}
	stream := func(r api.Route) api.Route {
		r.Media, r.BodyMax, r.Stream = api.NDJSON, api.BulkBodyMax, true
		return r
	}
	toml := func(r api.Route) api.Route {
		r.Media, r.BodyMax = api.TOML, policy.FileMax
		return r
	}
	statement := func(r api.Route) api.Route {
		r.Media, r.BodyMax = api.NDJSON, statementBodyMax
		return r
	}
	const binding, institution = "/v1/bindings/{id}", "/v1/institutions/{code}"
	const person, settlement, run = "/v1/persons/{psn_no}", "/v1/settlements/{setl_id}", "/v1/credit-runs/{run_id}"
	return []call{
		{Route: post("person_add", "/v1/persons", api.Admin, f.addPerson), body: personShape, parts: personParts},
		{Route: stream(post("person_load", "/v1/persons", api.Admin, f.addPersons)), body: personShape, parts: personParts, query: []string{"file"}},
		{Route: post("enrol", person+"/enrolments", api.Admin, f.enrol), body: enrolShape},
		{Route: post("person_change", person+"/changes", api.Admin, f.changePerson), body: changeShape},
		{Route: post("credential", person+"/credentials", api.Admin, f.registerCard), body: cardShape},
		{Route: post("freeze", "/v1/freezes", api.Admin, f.freeze), body: freezeShape},
		{Route: post("password", person+"/password", api.Business, f.password), body: secretShape},
		{Route: post("password_reset", person+"/password-reset", api.Admin, f.resetPassword), body: resetShape},
		{Route: post("person_lookup", "/v1/persons/lookup", api.Business, f.lookup), body: lookupShape},
		{Route: get("person", person, api.Business, f.getPerson)},
		{Route: post("run_open", "/v1/credit-runs", api.Admin, f.openRun), body: runShape},
		{Route: stream(post("run_lines", run+"/lines", api.Admin, f.runCredits)), body: runLineShape},
		{Route: post("run_close", run+"/close", api.Admin, f.closeRun), body: runCloseShape},
		{Route: get("run", run, api.Admin, f.getRun)},
		{Route: get("run_refusals", run+"/refusals", api.Admin, f.runRefusals), query: []string{"after"}},
		{Route: post("credit", "/v1/credits", api.Admin, f.credit), body: creditShape},
		{Route: post("account_debit", "/v1/account-debits", api.Admin, f.accountDebit), body: debitShape},
		{Route: post("institution_add", "/v1/institutions", api.Admin, f.addInstitution), body: institutionShape},
		{Route: post("bind", "/v1/bindings", api.Business, f.bind), body: bindingShape, parts: bindingParts},
		{Route: lines(post("bind_batch", "/v1/bindings/batch", api.Admin, f.bindBatch)), body: bindingShape, parts: bindingParts},
		{Route: get("binding", binding, api.Business, f.getBinding)},
		{Route: get("binding_queue", "/v1/bindings", api.Admin, f.queue), query: []string{"state", "area", "cursor"}},
		{Route: post("consent", binding+"/consent", api.Business, f.consent), body: consentShape, parts: map[string]*strictjson.Shape{"auth": authShape}},
		{Route: post("withdraw", binding+"/withdraw", api.Business, f.withdraw), body: withdrawShape},
		{Route: post("review", binding+"/review", api.Admin, f.review), body: reviewShape},
		{Route: post("force_unbind", binding+"/forced-unbinding", api.Admin, f.forceUnbind), body: forcedShape},
		{Route: put("debit_order", person+"/debit-order", api.Business, f.debitOrder), body: orderShape},
		{Route: post("family_open", "/v1/families", api.Business, f.openFamily), body: familyShape},
		{Route: get("family", "/v1/families/{id}", api.Business, f.getFamily)},
		{Route: post("allocate", "/v1/allocations", api.Business, f.allocate), body: allocationShape},
		{Route: post("dissolve", "/v1/families/{id}/dissolution", api.Business, f.dissolve), body: dissolutionShape},
		{Route: post("unbind", "/v1/unbindings", api.Business, f.unbind), body: unbindingShape, parts: unbindingParts},
		{Route: get("members", person+"/members", api.Business, f.members), query: []string{"cursor"}},
		{Route: get("authorizers", person+"/authorizers", api.Business, f.authorizers), query: []string{"cursor"}},
		{Route: post("settle", "/v1/settlements", api.Business, f.settle), body: settlementShape, parts: settlementParts},
		{Route: lines(post("settle_batch", "/v1/settlements/batch", api.Business, f.settleBatch)), body: settlementShape, parts: settlementParts},
		{Route: post("settle_preview", "/v1/settlements/preview", api.Business, f.preview), body: previewShape, parts: settlementParts},
		{Route: get("settlement_ask", "/v1/settlements", api.Business, f.settlementAsk), query: []string{"fixmedins_code", "msgid"}},
		{Route: get("settlement", settlement, api.Business, f.settlement)},
		{Route: get("settlement_full", settlement+"/full", api.Admin, f.settlementFull)},
		{Route: post("reverse", settlement+"/reversal", api.Business, f.reverse), body: reversalShape},
		{Route: post("reverse_message", "/v1/reversals", api.Business, f.reverseMessage), body: messageReversalShape},
		{Route: get("draw", settlement+"/draw", api.Business, f.draw)},
		{Route: post("premium_pay", "/v1/premiums", api.Business, f.payPremium), body: premiumShape},
		{Route: post("premium_refund", "/v1/premiums/{id}/refund", api.Business, f.refundPremium), body: refundShape},
		{Route: get("premium", "/v1/premiums/{id}", api.Business, f.getPremium)},
		{Route: get("premiums", person+"/premiums", api.Business, f.personPremiums), query: []string{"year"}},
		{Route: get("statement", person+"/statement", api.Business, f.statement), query: []string{"from", "to", "cursor"}},
		{Route: toml(post("policy_activate", "/v1/policies", api.Admin, f.activatePolicy)), query: []string{"at"}},
		{Route: get("policies", "/v1/policies", api.Admin, f.policies), query: []string{"cursor"}},
		{Route: get("policy", "/v1/policies/{number}", api.Admin, f.policy)},
		{Route: get("events", "/v1/events", api.Admin, f.events), query: []string{"after", "kinds", "limit"}},
		{Route: get("institution_settlements", institution+"/settlements", api.Business, f.institutionSettlements), query: []string{"date", "opter", "cursor"}},
		{Route: get("clearing", institution+"/clearing", api.Business, f.clearing), query: []string{"from", "to", "insutype", "clr_type", "clr_optins"}},
		{Route: statement(post("reconciliation", institution+"/reconciliation", api.Business, f.reconcile)), body: statementShape, query: []string{"from", "to"}},
		{Route: post("clearing_add", institution+"/clearings", api.Admin, f.addClearing), body: clearingShape},
		{Route: get("clearings", institution+"/clearings", api.Business, f.clearings), query: []string{"cursor"}},
		{Route: get("area_dues", "/v1/clearing/areas", api.Admin, f.areaDues), query: []string{"from", "to"}},
		{Route: get("totals", "/v1/ledger/totals", api.Admin, f.totals), query: []string{"sequence"}},
		{Route: post("clock_confirm", "/v1/clock/confirm", api.Admin, f.confirmClock), body: confirmShape},
		{Route: post("copy", "/v1/ledger/copies", api.Admin, f.copy), body: copyShape},
		{Route: get("openapi", "/v1/openapi.json", api.Business, f.document)},
	}
}
