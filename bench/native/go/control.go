// How a server in Go talks to the harness: see bench/servers/control.ts.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

var began = time.Now()

// Whether every message goes to all connections.
var publish = len(os.Args) > 1 && os.Args[1] == "publish"

// serve listens, and answers the harness until standard input ends; then the process ends.
func serve(library, version string, handler http.HandlerFunc) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, handler)
	fmt.Printf("{\"port\":%d,\"pid\":%d,\"versions\":{\"go\":%q,%q:%q}}\n",
		listener.Addr().(*net.TCPAddr).Port, os.Getpid(), strings.TrimPrefix(runtime.Version(), "go"), library, version)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "gc" {
			debug.FreeOSMemory()
		}
		var used syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &used)
		cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
		var size, pages int64
		statm, _ := os.ReadFile("/proc/self/statm")
		fmt.Sscan(string(statm), &size, &pages)
		fmt.Printf("{\"cpu\":%.6f,\"time\":%.6f,\"rss\":%d}\n",
			cpu.Seconds(), time.Since(began).Seconds(), pages*int64(os.Getpagesize()))
	}
}
