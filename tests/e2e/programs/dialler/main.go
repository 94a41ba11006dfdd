// SPDX-License-Identifier: MIT

// usage: dialler VERB ARGS…
//
// Dials as Go programs do, and says what came of it.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Prints the digest of what a URL has.
func get(url string) error {
	digest, err := fetch(url)
	if err == nil {
		fmt.Println(digest)
	}
	return err
}

func fetch(url string) (string, error) {
	// A connection each.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	digest := sha256.New()
	_, err = io.Copy(digest, response.Body)
	return fmt.Sprintf("%x", digest.Sum(nil)), err
}

// Does something N times at once; prints how often each outcome came.
func atOnce(n int, act func() (string, error)) error {
	var group sync.WaitGroup
	var lock sync.Mutex
	outcomes := map[string]int{}
	for i := 0; i < n; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			outcome, err := act()
			if err != nil {
				outcome = err.Error()
			}
			lock.Lock()
			outcomes[outcome]++
			lock.Unlock()
		}()
	}
	group.Wait()
	var lines []string
	for outcome, count := range outcomes {
		lines = append(lines, fmt.Sprintf("%d %s", count, outcome))
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	return nil
}

// Sends what standard input has, and a FIN; prints what comes back.
func exchange(connection *net.TCPConn) error {
	sent := make(chan error)
	go func() {
		_, err := io.Copy(connection, os.Stdin)
		connection.CloseWrite()
		sent <- err
	}()
	if _, err := io.Copy(os.Stdout, connection); err != nil {
		return err
	}
	return <-sent
}

// The verbs of talk.c, by the same names.
func talk(verb string, host string, port string) error {
	var resolver net.Resolver
	asked, err := resolver.LookupHost(context.Background(), host)
	if err != nil {
		return err
	}
	dialler := net.Dialer{}
	if verb == "limited" {
		dialler.Timeout = time.Second
	}
	dialled, err := dialler.Dial("tcp", net.JoinHostPort(asked[0], port))
	if err != nil {
		return err
	}
	defer dialled.Close()
	connection := dialled.(*net.TCPConn)
	switch verb {
	case "exchange", "limited":
		return exchange(connection)
	case "peer":
		peer := connection.RemoteAddr().(*net.TCPAddr)
		fmt.Printf("asked %s %s\npeer %s %d\n", asked[0], port, peer.IP, peer.Port)
	default:
		fmt.Fprintln(connection, verb)
		if _, err := connection.Read(make([]byte, 16)); err != nil && err != io.EOF {
			return err
		}
		connection.SetLinger(0)
		fmt.Println("left")
	}
	return nil
}

// Says how a dial ended, and after how many tenths of a second.
func told(began time.Time, err error) (string, error) {
	var timeout net.Error
	what := "connected"
	if errors.As(err, &timeout) && timeout.Timeout() {
		what = "timeout"
	} else if isCancelled(err) {
		what = "cancelled"
	} else if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d", what, time.Since(began).Milliseconds()/100), nil
}

// net has an error of its own for it, without a name.
func isCancelled(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Err.Error() == "operation was canceled"
}

func dialTimeout(address string, limit time.Duration) (string, error) {
	began := time.Now()
	connection, err := net.DialTimeout("tcp", address, limit)
	if err == nil {
		connection.Close()
	}
	return told(began, err)
}

func dialCancelled(address string, limit time.Duration) (string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(limit, cancel)
	began := time.Now()
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		connection.Close()
	}
	return told(began, err)
}

// Does something N times at once, and again for each line of standard input.
func rounds(n int, act func() (string, error)) error {
	lines := bufio.NewScanner(os.Stdin)
	for {
		if err := atOnce(n, act); err != nil {
			return err
		}
		fmt.Println("over")
		if !lines.Scan() {
			return nil
		}
	}
}

// Dials N times, and holds all connections until standard input ends.
func hold(address string, n int) error {
	var connections sync.Map
	err := atOnce(n, func() (string, error) {
		connection, err := net.DialTimeout("tcp", address, time.Minute)
		if err != nil {
			return "", err
		}
		connections.Store(connection, true)
		return "connected", nil
	})
	fmt.Println("over")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(&connections)
	return err
}

func start(environment []string, argv []string) error {
	command := exec.Command(argv[0], argv[1:]...)
	command.Env, command.Stdout, command.Stderr = environment, os.Stdout, os.Stderr
	return command.Run()
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return n
}

func run(verb string, args []string) error {
	milliseconds := func() time.Duration {
		return time.Duration(number(args[1])) * time.Millisecond
	}
	switch verb {
	case "get":
		return get(args[0])
	case "get-many":
		return atOnce(number(args[1]), func() (string, error) { return fetch(args[0]) })
	case "exchange", "limited", "peer", "reset", "leave":
		return talk(verb, args[0], args[1])
	case "timeout", "cancel":
		dial := map[string]func(string, time.Duration) (string, error){
			"timeout": dialTimeout, "cancel": dialCancelled}[verb]
		return rounds(number(args[2]), func() (string, error) { return dial(args[0], milliseconds()) })
	case "hold":
		return hold(args[0], number(args[1]))
	case "start":
		return start(nil, args)
	case "start-bare":
		return start([]string{"NOTHING=1"}, args)
	}
	return errors.New("no such verb")
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			fmt.Println(errno)
		} else {
			fmt.Println(err)
		}
		os.Exit(1)
	}
}
