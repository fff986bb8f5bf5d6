// Package publisher publishes to fastify-messenger with the standard library alone: copy this file. Messages that wait travel in one
// request. Each is repeated with its idempotency key after a network error, 429, 503 and the like, for at most 270 s: the service
// forgets a key after 300 s. Messages of a channel keep their order.
package publisher

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	mrand "math/rand"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const maxEntries, maxBodyBytes, maxPending, unknown = 1_000, 1_000_000, 10_000, "MSG_ERR_ENGINE_UNAVAILABLE"
const retryFor, attemptTimeout = 270 * time.Second, 10 * time.Second

// Sent is the answer of the service.
type Sent struct {
	ID          string
	Subscribers int
}

// Error is that of a message that was refused, or not confirmed in time, and then may have arrived all the same (MaybeDelivered).
type Error struct {
	Code, Message, Channel string
	StatusCode             int
	MaybeDelivered         bool
}

func (e *Error) Error() string { return e.Channel + ": " + e.Message + " (" + e.Code + ")" }

// Message is one that was published; Wait blocks until it has settled.
type Message struct {
	channel  string
	text     []byte
	deadline time.Time
	maybe    bool
	done     chan struct{}
	sent     Sent
	err      error
}

func (m *Message) Wait() (Sent, error)          { <-m.done; return m.sent, m.err }
func (m *Message) MarshalJSON() ([]byte, error) { return m.text, nil }

// Publisher may be used by any number of goroutines; one of its own sends.
type Publisher struct {
	url, token string
	client     http.Client
	waiting    chan *Message
	pending    sync.WaitGroup
}

func New(server, token string) *Publisher {
	p := &Publisher{server + "/send", token, http.Client{Timeout: attemptTimeout}, make(chan *Message, maxPending), sync.WaitGroup{}}
	go p.run()
	return p
}

// Publish queues a message, any value with a JSON form; it waits for room while maxPending messages are queued.
func (p *Publisher) Publish(channel string, message any) *Message {
	text, err := json.Marshal(map[string]any{"channel": channel, "idempotencyKey": rand.Text(), "message": message})
	m := &Message{channel: channel, text: text, deadline: time.Now().Add(retryFor), done: make(chan struct{})}
	if p.pending.Add(1); err == nil {
		p.waiting <- m
		return m
	}
	return p.fail(m, Error{Code: "MSG_ERR_MESSAGE_INVALID", Message: err.Error()})
}

// Flush waits until everything that was published has settled; Close ends the publisher then: nothing may be published afterwards.
func (p *Publisher) Flush()                       { p.pending.Wait() }
func (p *Publisher) Close()                       { p.Flush(); close(p.waiting) }
func (p *Publisher) settle(m *Message, err error) { m.err = err; close(m.done); p.pending.Done() }
func (p *Publisher) fail(m *Message, err Error) *Message {
	err.Channel, err.MaybeDelivered = m.channel, m.maybe
	p.settle(m, &err)
	return m
}

func (p *Publisher) run() {
	for m := range p.waiting {
		batch, after := []*Message{m}, time.Duration(0) // Those to repeat come before all others of their channels.
		for attempts := 1; len(batch) > 0; attempts++ {
			for size := 0; len(p.waiting) > 0 && len(batch) < maxEntries && size < maxBodyBytes; size += len(batch[len(batch)-1].text) {
				batch = append(batch, <-p.waiting)
			}
			if batch, after = p.deliver(batch); len(batch) > 0 {
				time.Sleep(after + time.Duration(mrand.Float64()*float64(min(3*time.Second, 100*time.Millisecond<<min(attempts, 5)))))
			}
		}
	}
}

// deliver sends a batch, in parts where it is refused for one of its messages. It returns those to repeat, in order.
func (p *Publisher) deliver(batch []*Message) (again []*Message, after time.Duration) {
	status, answer, after, maybe := p.post(batch)
	if slices.Contains([]int{400, 403, 413, 422}, status) && answer.Code != "MSG_ERR_TOKEN_INVALID" && len(batch) > 1 {
		if again, after = p.deliver(batch[:len(batch)/2]); len(again) > 0 {
			return append(again, batch[len(batch)/2:]...), after
		}
		return p.deliver(batch[len(batch)/2:])
	}
	for i, m := range batch {
		err := Error{Code: answer.Code, Message: answer.Message, StatusCode: status}
		if status == 200 && len(answer.Results) == len(batch) {
			m.sent, err, maybe = answer.Results[i].Sent, answer.Results[i].Error, answer.Results[i].Error.Code == unknown
		}
		if m.maybe = m.maybe || maybe; m.sent.ID != "" {
			p.settle(m, nil)
		} else if !slices.Contains([]int{0, 200, 408, 425, 429, 500, 502, 503, 504}, err.StatusCode) {
			p.fail(m, err)
		} else if time.Now().Before(m.deadline) {
			again = append(again, m)
		} else {
			p.fail(m, Error{"MSG_ERR_PUBLISH_UNCONFIRMED", "not confirmed within 270 s (" + err.Message + ")", "", err.StatusCode, false})
		}
	}
	return
}

type answer struct {
	Code, Message string
	Results       []struct {
		Sent
		Error Error
	}
}

// post makes one attempt: the status is 0 without an answer; maybe says whether the messages may have been kept all the same.
func (p *Publisher) post(batch []*Message) (status int, found answer, after time.Duration, maybe bool) {
	body, _ := json.Marshal(map[string]any{"messages": batch})
	request, err := http.NewRequest("POST", p.url, bytes.NewReader(body))
	if err != nil { // The address is invalid.
		return 400, answer{Message: err.Error()}, 0, false
	}
	request.Header = http.Header{"Authorization": {"Bearer " + p.token}, "Content-Type": {"application/json"}}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, answer{Message: err.Error()}, 0, true
	}
	defer response.Body.Close()
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	_ = json.NewDecoder(response.Body).Decode(&found) // A proxy answers with a page: then there is no code.
	return response.StatusCode, found, time.Duration(seconds) * time.Second, found.Code == "" || found.Code == unknown
}
