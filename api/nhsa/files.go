package nhsa

import (
	"container/list"
	"crypto/rand"
	"sync"

	"gongji/engine/ledger"
)

// Limits of the files that institutions send (9101) and fetch (9102). They lie in memory and are gone after a restart: a till uploads again, which
// costs it a second, where a file in the ledger would be kept and replicated for ever (DESIGN.md 7).
const (
	// fileHours a file is kept: a till sends its statement and fetches the result in one go; somebody looks at it on the same shift.
	fileHours = 4
	// fileInstitutionBytes holds the largest upload twice, or once with its result. An institution's own oldest files make room for its new ones.
	fileInstitutionBytes = 32 << 20
	// fileInstitutionMax files of an institution: the categories and areas of a day, each with its result.
	fileInstitutionMax = 64
	// fileBytesMax of all: sixteen institutions with nothing but the largest, or some 20,000 with a pharmacy's (10 KiB and as much again in answer).
	// Behind it uploads are refused: what was promised to one institution is not thrown away for another.
	fileBytesMax = 512 << 20
	// filesMax of all: what a file costs beside its bytes stays below 64 MiB.
	filesMax = 1 << 17
)

// fileLimits are those above; tests have smaller ones.
type fileLimits struct {
	keepMS           int64
	institutionBytes int
	institutionFiles int
	bytes            int
	files            int
}

var defaultFileLimits = fileLimits{fileHours * 3600 * 1000, fileInstitutionBytes, fileInstitutionMax, fileBytesMax, filesMax}

// keptFile is a file of an institution. Its data never change, so they may be read without the store's lock.
type keptFile struct {
	no        string
	owner     ledger.Code
	name      string
	data      []byte
	untilMS   int64
	all, mine *list.Element
}

// ownFiles are an institution's, oldest first.
type ownFiles struct {
	list  list.List
	bytes int
}

// fileStore keeps files for their hours. Any goroutine.
type fileStore struct {
	limits fileLimits
	mu     sync.Mutex
	byNo   map[string]*keptFile
	owners map[ledger.Code]*ownFiles
	all    list.List // oldest first: all are kept equally long
	bytes  int
}

func (s *fileStore) begin(limits fileLimits) {
	s.limits, s.byNo, s.owners = limits, map[string]*keptFile{}, map[ledger.Code]*ownFiles{}
}

// add keeps data, which is the store's from now on; nil: all are full.
func (s *fileStore) add(owner ledger.Code, name string, data []byte, nowMS int64) *keptFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(nowMS)
	own := s.owners[owner]
	if own == nil {
		own = &ownFiles{}
	}
	files, bytes := 1, len(data) // more than before, when enough of its oldest have gone
	for e := own.list.Front(); e != nil && (own.list.Len()+files > s.limits.institutionFiles || own.bytes+bytes > s.limits.institutionBytes); e = e.Next() {
		files, bytes = files-1, bytes-len(e.Value.(*keptFile).data)
	}
	if s.all.Len()+files > s.limits.files || s.bytes+bytes > s.limits.bytes || len(data) > s.limits.institutionBytes {
		return nil
	}
	for ; files < 1; files++ {
		s.remove(own.list.Front().Value.(*keptFile))
	}
	s.owners[owner] = own
	k := &keptFile{no: newFileNo(nowMS), owner: owner, name: name, data: data, untilMS: nowMS + s.limits.keepMS}
	k.all, k.mine = s.all.PushBack(k), own.list.PushBack(k)
	s.byNo[k.no] = k
	own.bytes += len(data)
	s.bytes += len(data)
	return k
}

// get gives a file to the institution that owns it; nil: there is none, or not any more, or it is another's.
func (s *fileStore) get(owner ledger.Code, no []byte, nowMS int64) *keptFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(nowMS)
	if k := s.byNo[string(no)]; k != nil && k.owner == owner {
		return k
	}
	return nil
}

// sweep removes what has been kept long enough.
func (s *fileStore) sweep(nowMS int64) {
	for e := s.all.Front(); e != nil && e.Value.(*keptFile).untilMS <= nowMS; e = s.all.Front() {
		s.remove(e.Value.(*keptFile))
	}
}

func (s *fileStore) remove(k *keptFile) {
	own := s.owners[k.owner]
	own.list.Remove(k.mine)
	if own.bytes -= len(k.data); own.list.Len() == 0 {
		delete(s.owners, k.owner)
	}
	s.all.Remove(k.all)
	s.bytes -= len(k.data)
	delete(s.byNo, k.no)
}

// fileNoRandom characters of base32 cannot be guessed: 75 bits.
const fileNoRandom = 15

// newFileNo makes a file_qury_no: F, yyyyMMddHHmmss and random characters, 30 in all.
func newFileNo(nowMS int64) string {
	return string(appendStamp([]byte{'F'}, nowMS)) + rand.Text()[:fileNoRandom]
}
