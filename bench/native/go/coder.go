// An echo or publish server on coder/websocket, which Debian has by its old name, nhooyr.io/websocket. version is set when
// it is built.
package main

import (
	"context"
	"net/http"
	"sync"

	"nhooyr.io/websocket"
)

var version string

var clients = struct {
	sync.Mutex
	all map[*websocket.Conn]bool
}{all: map[*websocket.Conn]bool{}}

func main() {
	serve("nhooyr.io/websocket", version, func(response http.ResponseWriter, request *http.Request) {
		connection, err := websocket.Accept(response, request, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return
		}
		defer connection.Close(websocket.StatusInternalError, "")
		connection.SetReadLimit(64 << 20)
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
			kind, message, err := connection.Read(context.Background())
			if err != nil {
				return
			}
			if publish {
				clients.Lock()
				for one := range clients.all {
					one.Write(context.Background(), kind, message)
				}
				clients.Unlock()
			} else if connection.Write(context.Background(), kind, message) != nil {
				return
			}
		}
	})
}
