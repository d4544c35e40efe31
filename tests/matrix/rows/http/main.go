// A server with TLS, templates and files in itself.
package main

import (
	"crypto/tls"
	"embed"
	"encoding/json"
	"html/template"
	"log"
	"net/http"
	"os"
)

//go:embed all:files
var files embed.FS

var page = template.Must(template.ParseFS(files, "files/*.html"))

func main() {
	http.Handle("/files/", http.FileServerFS(files))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if err := page.Execute(w, r.URL.Path); err != nil {
			log.Print(err)
		}
	})
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(os.Environ())
	})
	server := http.Server{Addr: "127.0.0.1:8443", TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13}}
	log.Fatal(server.ListenAndServe())
}
