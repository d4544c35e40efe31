// A service of the usual size: RPC, metrics, logs, configuration, SSH and HTTP/2.
package main

import (
	"context"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// Version is stamped.
var Version = "dev"

func serve(log *zap.Logger, address string) error {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"path"})
	prometheus.MustRegister(requests)
	http.Handle("/metrics", promhttp.Handler())
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		requests.WithLabelValues(r.URL.Path).Inc()
	})
	server := &http.Server{Addr: address}
	if err := http2.ConfigureServer(server, nil); err != nil {
		return err
	}
	rpc := grpc.NewServer(grpc.Creds(insecure.NewCredentials()))
	healthpb.RegisterHealthServer(rpc, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go rpc.Serve(listener)
	log.Info("listening", zap.String("version", Version), zap.Stringer("rpc", listener.Addr()))
	return server.ListenAndServe()
}

func main() {
	log := zap.Must(zap.NewProduction())
	root := &cobra.Command{Use: "large", RunE: func(cmd *cobra.Command, args []string) error {
		viper.SetDefault("address", "127.0.0.1:8080")
		viper.AutomaticEnv()
		if key := viper.GetString("key"); key != "" {
			signer, err := ssh.ParsePrivateKey([]byte(key))
			if err != nil {
				return err
			}
			log.Info("key", zap.String("fingerprint", ssh.FingerprintSHA256(signer.PublicKey())))
		}
		return serve(log, viper.GetString("address"))
	}}
	if err := root.ExecuteContext(context.Background()); err != nil {
		log.Fatal("failed", zap.Error(err))
	}
}
