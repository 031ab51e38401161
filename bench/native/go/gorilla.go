// An echo or publish server on gorilla/websocket. version is set when it is built.
package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

var version string

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// The lock is also what a connection needs, which takes one writer at a time.
var clients = struct {
	sync.Mutex
	all map[*websocket.Conn]bool
}{all: map[*websocket.Conn]bool{}}

func main() {
	serve("gorilla/websocket", version, func(response http.ResponseWriter, request *http.Request) {
		connection, err := upgrader.Upgrade(response, request, nil)
		if err != nil {
			return
		}
		defer connection.Close()
		if publish {
			clients.Lock()
			clients.all[connection] = true
			clients.Unlock()
			defer func() {
				clients.Lock()
				delete(clients.all, connection)
				clients.Unlock()
			}()
		}
		for {
			kind, message, err := connection.ReadMessage()
			if err != nil {
				return
			}
			if publish {
				toAll(kind, message)
			} else if connection.WriteMessage(kind, message) != nil {
				return
			}
		}
	})
}

func toAll(kind int, message []byte) {
	prepared, err := websocket.NewPreparedMessage(kind, message)
	if err != nil {
		panic(err)
	}
	clients.Lock()
	defer clients.Unlock()
	for one := range clients.all {
		one.WritePreparedMessage(prepared)
	}
}
