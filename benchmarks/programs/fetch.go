// SPDX-License-Identifier: MIT

// usage: fetch [-socks HOST:PORT] URL COUNT
//
// Fetches a URL so many times at once, each over a connection of its own; with
// -socks by a SOCKS5 client of its own.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
)

func exchange(conn net.Conn, request []byte, size int) ([]byte, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	reply := make([]byte, size)
	_, err := io.ReadFull(conn, reply)
	return reply, err
}

// dialer connects through a SOCKS5 server (RFC 1928) without authentication,
// whose BND.ADDR is an IPv4 address.
func dialer(proxy string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, service, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		port, err := strconv.Atoi(service)
		if err != nil {
			return nil, err
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, proxy)
		if err != nil {
			return nil, err
		}
		method, err := exchange(conn, []byte{5, 1, 0}, 2)
		if err == nil && !bytes.Equal(method, []byte{5, 0}) {
			err = errors.New("the proxy wants authentication")
		}
		if err == nil {
			request := append([]byte{5, 1, 0, 3, byte(len(host))}, host...)
			request = append(request, byte(port>>8), byte(port))
			var reply []byte
			if reply, err = exchange(conn, request, 10); err == nil && reply[1] != 0 {
				err = fmt.Errorf("the proxy refused: %d", reply[1])
			}
		}
		if err != nil {
			conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

func fetch(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func main() {
	proxy := flag.String("socks", "", "")
	flag.Parse()
	count, err := strconv.Atoi(flag.Arg(1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if *proxy != "" {
		transport.DialContext = dialer(*proxy)
	}
	client := &http.Client{Transport: transport}
	var group sync.WaitGroup
	errs := make(chan error, count)
	for i := 0; i < count; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			errs <- fetch(client, flag.Arg(0))
		}()
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
