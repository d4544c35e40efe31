// Command large links what many services link, for benchmarks.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	"example.com/large/all"
)

func main() {
	logger := zap.NewNop()
	command := &cobra.Command{Use: "large", Run: func(*cobra.Command, []string) {
		http.Handle("/metrics", promhttp.Handler())
		fmt.Println(grpc.NewServer() != nil, viper.New() != nil, ssh.InsecureAlgorithms().Ciphers, all.Sum())
	}}
	if err := command.Execute(); err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
}
