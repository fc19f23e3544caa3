package rest

import "gongji/api"

// viewer is for whom an answer is made (R28). The zero value sees nothing.
type viewer uint8

const (
	viewNothing     viewer = iota
	viewSelf               // the person whom the call is about
	viewInstitution        // the institution whose bill it is
	viewBureau             // the full view, which is audited
)

// sight is something an answer may hold.
type sight uint8

const (
	seeStatement  sight = 1 << iota // a person's entries: his own bills with own and mutual-aid sums
	seeLent                         // of a relative's bill he paid for: date, member, amount, kind of institution
	seeLentBill                     // of a relative's bill: which institution, which settlement, at what time
	seeSettlement                   // a bill as it was sent and decided, own and mutual-aid sums
	seePayers                       // who paid a settlement, one by one
)

// sights is R28 as a table.
var sights = [...]sight{
	viewNothing:     0,
	viewSelf:        seeStatement | seeLent,
	viewInstitution: seeSettlement,
	viewBureau:      seeStatement | seeLent | seeLentBill | seeSettlement | seePayers,
}

func (v viewer) may(s sight) bool { return sights[v]&s == s }

// viewerOf says who asks. Callers are not authenticated yet (R31), so the listener and the path decide: whoever reaches the admin listener is the
// bureau; on the business listener he is taken for the one whom the path's calls are made for. Authentication replaces this function and nothing else.
func viewerOf(c *api.Call, path viewer) viewer {
	if c.Listener() == api.Admin {
		return viewBureau
	}
	return path
}
