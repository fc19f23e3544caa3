package rest

import (
	"testing"

	"gongji/api/strictjson"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// FuzzAccepted: whatever body is accepted becomes a command that the log's format can carry; one that it could not would end the engine.
func FuzzAccepted(f *testing.F) {
	for _, in := range inputs() {
		f.Add([]byte(render(in.fields, "", "", nil)))
	}
	e, _ := openEngine(f, setup{})
	face := newFace(e, Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		readers := map[string]func(w *work, d *strictjson.Decoder) fault{
			"settlement": func(w *work, d *strictjson.Decoder) fault { return face.readSettlement(w, d, settlementShape) },
			"person":     func(w *work, d *strictjson.Decoder) fault { return face.readPerson(w, &personIn{}, d) },
			"binding": func(w *work, d *strictjson.Decoder) fault {
				return face.readBinding(w, &bindingIn{}, d, func([]byte) ledger.Key { return ledger.Key{} })
			},
			"run line": func(w *work, d *strictjson.Decoder) fault { return readRunLine(w, d, runKey([]byte("R"))) },
		}
		for name, read := range readers {
			w := newWork(DeadlineDefault)
			var d strictjson.Decoder
			d.Reset(body)
			if x := read(w, &d); x.bad() {
				continue
			}
			w.add()
			var cmd ledger.Command
			if n, err := command.Decode(w.request.Commands, &cmd, nil); err != nil || n != len(w.request.Commands) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(w.request.Commands), err)
			}
			again := command.Append(nil, &w.cmd, &w.details)
			if string(again) != string(w.request.Commands) {
				t.Errorf("%s: encoded twice, two texts", name)
			}
		}
	})
}
