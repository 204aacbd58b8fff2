// SPDX-License-Identifier: MIT

// A booking service: the stock is in Redis, where taking one is atomic, and each order that was
// granted is a row in PostgreSQL. Sold out is answered 409, which is a right answer and no failure.
//
// The one idea: it counts what it was asked, so that a request that a proxy sent twice shows.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
	_ "github.com/lib/pq"
)

const (
	stockKey         = "stock"
	storeConnections = 16 // to each store: two replicas stay well below PostgreSQL's limit of 100
	mostBodyBytes    = 4096
)

// Takes one of the stock if there is one; 1 when it was granted.
var takeOne = redis.NewScript(1, `
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left <= 0 then return 0 end
redis.call('DECR', KEYS[1])
return 1`)

type service struct {
	stock  *redis.Pool
	orders *sql.DB
	insert *sql.Stmt

	accepts, requests, sold, refused, failed atomic.Int64
}

type booking struct {
	Customer string `json:"customer"`
}

type connectionKey struct{}

// connection is counted with its first booking: those that only ask for counts are not clients.
type connection struct{ counted atomic.Bool }

func (s *service) book(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok && !c.counted.Swap(true) {
		s.accepts.Add(1)
	}
	s.requests.Add(1)
	var wanted booking
	body := http.MaxBytesReader(w, r.Body, mostBodyBytes)
	if err := json.NewDecoder(body).Decode(&wanted); err != nil || wanted.Customer == "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "a customer is needed"})
		return
	}
	granted, err := s.take()
	if err != nil {
		s.fail(w, err)
		return
	}
	if !granted {
		s.refused.Add(1)
		answer(w, http.StatusConflict, map[string]any{"error": "sold out"})
		return
	}
	var order int64 // not with the request's context: a client that leaves must not lose an order
	if err := s.insert.QueryRow(wanted.Customer).Scan(&order); err != nil {
		s.giveBack()
		s.fail(w, err)
		return
	}
	s.sold.Add(1)
	answer(w, http.StatusCreated, map[string]any{"order": order})
}

func (s *service) take() (bool, error) {
	store := s.stock.Get()
	defer store.Close()
	return redis.Bool(takeOne.Do(store, stockKey))
}

func (s *service) giveBack() {
	store := s.stock.Get()
	defer store.Close()
	if _, err := store.Do("INCR", stockKey); err != nil {
		log.Printf("one of the stock is lost: %v", err)
	}
}

func (s *service) fail(w http.ResponseWriter, err error) {
	s.failed.Add(1)
	log.Print(err)
	answer(w, http.StatusInternalServerError, map[string]any{"error": "a store failed"})
}

func (s *service) counts(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"accepts": s.accepts.Load(), "requests": s.requests.Load(), "sold": s.sold.Load(),
		"refused": s.refused.Load(), "failed": s.failed.Load()})
}

func answer(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err) // a map of plain values always has a JSON form
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		log.Printf("the client has gone: %v", err)
	}
}

func open(redisAddress, postgres string) (*service, error) {
	orders, err := sql.Open("postgres", postgres)
	if err != nil {
		return nil, err
	}
	orders.SetMaxOpenConns(storeConnections)
	orders.SetMaxIdleConns(storeConnections)
	insert, err := orders.Prepare("INSERT INTO orders (customer) VALUES ($1) RETURNING id")
	if err != nil {
		return nil, err
	}
	pool := &redis.Pool{MaxIdle: storeConnections, MaxActive: storeConnections, Wait: true,
		Dial: func() (redis.Conn, error) { return redis.Dial("tcp", redisAddress) }}
	return &service{stock: pool, orders: orders, insert: insert}, nil
}

func main() {
	redisAddress := flag.String("redis", "", "HOST:PORT of Redis")
	postgres := flag.String("postgres", "", "how to connect to PostgreSQL")
	flag.Parse()
	s, err := open(*redisAddress, *postgres)
	if err != nil {
		log.Fatalf("the stores cannot be used: %v", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/bookings", s.book)
	mux.HandleFunc("/__counts", s.counts)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, new(connection))
		}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		server.Close()
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
