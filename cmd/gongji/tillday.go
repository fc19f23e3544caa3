package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"gongji/bench/province"
	"gongji/bench/till"
)

const (
	// tillsPerInstitution of a scripted day: enough to have several tills share a book, and several books.
	tillsPerInstitution = 4
	// patientsPerTill of a scripted day: few enough that people come back.
	patientsPerTill = 5
)

// day plays a scripted day and prints its summary.
func (c *tillCmd) day(ctx context.Context, dir string, signer till.Signer, out io.Writer) (level bool, err error) {
	if c.Persons < demoPersonsMin || c.Persons > province.MaxPersons {
		return false, fmt.Errorf("--persons %d, must be %d to %d", c.Persons, demoPersonsMin, province.MaxPersons)
	}
	p := province.New(demoSeed, c.Persons)
	d := &till.Day{URL: c.URL, Signer: signer, Tills: c.Tills, Bills: c.Bills, Seed: c.Seed, Patients: dayPatients(p, c.Tills*patientsPerTill)}
	if c.Trace {
		d.Trace = out
	}
	defer func() {
		for _, in := range d.Institutions {
			err = errors.Join(err, in.Book.Close())
		}
	}()
	for k := 0; k < p.Institutions() && len(d.Institutions) < c.institutions(); k++ {
		x := demoPlace(p, k)
		if x.Type == till.TypeHospital && !c.Hospital {
			continue
		}
		book, err := till.OpenBook(filepath.Join(dir, x.Code))
		if err != nil {
			return false, err
		}
		d.Institutions = append(d.Institutions, till.NewInstitution(x, book, till.FirstSerial(), c.now))
	}
	r, err := d.Play(ctx)
	if r != nil {
		err = errors.Join(err, r.Print(out))
	}
	return err == nil && r.Level(), err
}

// institutions of the day: with hospitals at least one of each kind.
func (c *tillCmd) institutions() int {
	n := max(1, c.Tills/tillsPerInstitution)
	if c.Hospital {
		n = max(n, min(c.Tills, 2))
	}
	return n
}

// dayPatients are persons of the province whose enrolment is normal, spread over it.
func dayPatients(p *province.Province, n int) (list []till.Credential) {
	for i := 0; i < p.Persons() && len(list) < n; i++ {
		if x := p.Person(i); x.Enrolment.PsnInsuStas == "1" {
			list = append(list, till.Credential{Type: "02", Number: x.Certno})
		}
	}
	return list
}

// sweepPatients are those of a sweep: the one who was named, or people of the demo province in turn, a new one for each message that is cut.
func (c *tillCmd) sweepPatients(named till.Credential) func(n int) till.Credential {
	list := []till.Credential{named}
	if c.Patient == "" {
		list = append(list, dayPatients(province.New(demoSeed, c.Persons), sweepPatientsMax)...)
	}
	return func(n int) till.Credential { return list[n/len(till.Points())%len(list)] }
}

// sweepPatientsMax: more than any dialogue has messages.
const sweepPatientsMax = 30
