package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Do drives a job in this process and its calling goroutine.
func Do(j *Job) (*Outcome, error) {
	w := worker{}
	return w.do(j)
}

// worker keeps the requests of the last job: the next one is mostly of the same bills.
type worker struct {
	made      Job
	templates []template
}

func (w *worker) do(j *Job) (*Outcome, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	if err := w.ready(j); err != nil {
		return nil, err
	}
	s, err := dial(j.Server, j.Connections)
	if err != nil {
		return nil, err
	}
	defer s.close()
	start := s.now()
	if j.Start != 0 {
		start += j.Start - time.Now().UnixNano()
	}
	o := newGenerator(j, w.templates, s, start).run()
	return o, o.encode()
}

// ready makes the requests, unless the last job's are the same.
func (w *worker) ready(j *Job) error {
	made := Job{Server: j.Server, Face: j.Face, AnswerBytes: j.AnswerBytes, Group: j.Group, Bills: j.Bills}
	if made == w.made {
		return nil
	}
	t, err := j.templates()
	if err != nil {
		return err
	}
	w.made, w.templates = made, t
	return nil
}

// order is what a child is told: make ready, then go.
type order struct {
	Job   Job  `json:"job"`
	Ready bool `json:"ready"` // only make the requests
}

// Child does jobs for a parent: one order a line in, one outcome a line out, until in ends.
func Child(in io.Reader, out io.Writer) error {
	w := worker{}
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var x order
		if err := orders.Decode(&x); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("wire: order of a client process: %w", err)
		}
		o, err := &Outcome{}, error(nil)
		if x.Ready {
			err = w.ready(&x.Job)
		} else if o, err = w.do(&x.Job); err != nil {
			o = &Outcome{}
		}
		if err != nil {
			o.Err = err.Error()
		}
		if err := answers.Encode(o); err != nil {
			return fmt.Errorf("wire: outcome of a client process: %w", err)
		}
	}
}

// Children are client processes that wait for jobs.
type Children struct{ list []*child }

type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

// StartChildren starts n processes of a command that calls Child with its standard input and output; what they write to standard error is ours. They
// end when the context does.
func StartChildren(ctx context.Context, n int, command []string, env []string) (*Children, error) {
	c := &Children{}
	for range n {
		x := &child{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
		x.cmd.Env, x.cmd.Stderr = append(os.Environ(), env...), os.Stderr
		in, err1 := x.cmd.StdinPipe()
		out, err2 := x.cmd.StdoutPipe()
		if err := errors.Join(err1, err2); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
		x.in, x.orders, x.answers = in, json.NewEncoder(in), json.NewDecoder(out)
		if err := x.cmd.Start(); err != nil {
			return nil, errors.Join(fmt.Errorf("wire: client process: %w", err), c.Stop())
		}
		c.list = append(c.list, x)
	}
	return c, nil
}

// Stop ends the processes.
func (c *Children) Stop() error {
	var errs []error
	for _, x := range c.list {
		errs = append(errs, x.in.Close())
	}
	for _, x := range c.list {
		errs = append(errs, x.cmd.Wait())
	}
	c.list = nil
	return errors.Join(errs...)
}

// startAhead is how long before their beginning processes are told of a run: more than it takes them to connect.
const startAhead = 150 * time.Millisecond

// Run drives a job with all processes: connections and arrivals are divided among them, each has bills from another place on. began, if not nil, is
// called with the moment at which measuring begins, while the processes work.
func (c *Children) Run(j Job, began func(time.Time)) (*Outcome, error) {
	if j.Connections < len(c.list) {
		return nil, fmt.Errorf("wire: %d connections for %d processes", j.Connections, len(c.list))
	}
	jobs := c.divide(j)
	if _, err := c.each(jobs, true); err != nil {
		return nil, err
	}
	start := time.Now().Add(startAhead)
	for i := range jobs {
		jobs[i].Start = start.UnixNano()
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if began != nil {
			began(start.Add(time.Duration(j.Warm)))
		}
	}()
	outcomes, err := c.each(jobs, false)
	<-watched
	if err != nil {
		return nil, err
	}
	sum := &Outcome{}
	for i, o := range outcomes {
		if err := sum.merge(o); err != nil {
			return nil, err
		}
		sum.spans = append(sum.spans, span{jobs[i].From, o.Requests})
	}
	return sum, nil
}

// divide gives each process its part.
func (c *Children) divide(j Job) []Job {
	jobs := make([]Job, len(c.list))
	units := j.Bills.Count
	if j.Face == Batch {
		units = (units + j.Group - 1) / max(1, j.Group)
	}
	for i := range jobs {
		jobs[i] = j
		jobs[i].Process, jobs[i].Processes = i, len(jobs)
		jobs[i].Connections = (i+1)*j.Connections/len(jobs) - i*j.Connections/len(jobs)
		jobs[i].From = (j.From + i*units/len(jobs)) % units
		jobs[i].Tag = j.Tag[:len(j.Tag)-2] + fmt.Sprintf("%02d", i)
	}
	return jobs
}

// each gives every process its order and collects what they say.
func (c *Children) each(jobs []Job, ready bool) ([]*Outcome, error) {
	for i, x := range c.list {
		if err := x.orders.Encode(order{Job: jobs[i], Ready: ready}); err != nil {
			return nil, fmt.Errorf("wire: client process %d: %w", i, err)
		}
	}
	outcomes := make([]*Outcome, len(c.list))
	var errs []error
	for i, x := range c.list {
		outcomes[i] = &Outcome{}
		if err := x.answers.Decode(outcomes[i]); err != nil {
			errs = append(errs, fmt.Errorf("wire: client process %d: %w", i, err))
		} else if outcomes[i].Err != "" {
			errs = append(errs, fmt.Errorf("wire: client process %d: %s", i, outcomes[i].Err))
		}
	}
	return outcomes, errors.Join(errs...)
}
