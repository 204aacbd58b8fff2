// SPDX-License-Identifier: MIT

// The little API in Go: standard library only. See service.py for what all four answer.
//
//	service --port 9002 --peers python=9001,node=9003,...
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const name = "go"

var accepts, requests atomic.Int64

func send(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

func isFine(client *http.Client, url string) bool {
	answer, err := client.Get(url)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body) // else the connection is not used again
	return answer.StatusCode == http.StatusOK
}

// askAll asks all peers (name to port) at once and answers with what they said.
func askAll(client *http.Client, peers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var mutex sync.Mutex
		var group sync.WaitGroup
		services, status, code := map[string]string{}, "ok", http.StatusOK
		for peer, port := range peers {
			group.Add(1)
			go func() {
				defer group.Done()
				fine := isFine(client, "http://127.0.0.1:"+port+"/"+peer+"/health")
				mutex.Lock()
				defer mutex.Unlock()
				services[peer] = "ok"
				if !fine {
					services[peer], status, code = "failed", "failed", http.StatusServiceUnavailable
				}
			}()
		}
		group.Wait()
		send(w, code, map[string]any{"status": status, "services": services})
	}
}

func main() {
	port := flag.String("port", "0", "where to listen on 127.0.0.1")
	list := flag.String("peers", "", "NAME=PORT,... of all services")
	flag.Parse()
	peers := map[string]string{}
	for _, peer := range strings.Split(*list, ",") {
		who, where, _ := strings.Cut(peer, "=")
		peers[who] = where
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, MaxConnsPerHost: 32}}
	counted := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { requests.Add(1); next(w, r) }
	}
	http.HandleFunc("/__counts", func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, map[string]int64{
			"accepts": accepts.Load(), "requests": requests.Load()})
	})
	health := func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, map[string]string{"service": name, "status": "ok"})
	}
	http.HandleFunc("/"+name+"/health", counted(health))
	http.HandleFunc("/"+name+"/paced", counted(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(10+7*requests.Load()%41) * time.Millisecond)
		health(w, r)
	}))
	http.HandleFunc("/"+name+"/health/all", counted(askAll(client, peers)))
	listener, err := net.Listen("tcp", "127.0.0.1:"+*port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := &http.Server{ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepts.Add(1)
		}
	}}
	fmt.Println(listener.Addr())
	go server.Serve(listener)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	<-told
	patience, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	server.Shutdown(patience)
}
