package sharded

import (
	"fmt"
	"os"
	"testing"
	"time"
)

var stamp = "none"

func TestMain(m *testing.M) {
	fmt.Println("TestMain runs")
	os.Exit(m.Run())
}

func TestA(t *testing.T) {
	t.Run("one", func(t *testing.T) {
		t.Run("deep", func(t *testing.T) { t.Log("<logged> & \x00") })
		t.Run("skipped", func(t *testing.T) { t.Skip("not now") })
	})
}

func TestB(t *testing.T) {
	if os.Getenv("WANT") == "failure" {
		fmt.Print("no end of line")
		t.Run("wrong", func(t *testing.T) { t.Error("wrong") })
	}
}

func TestC(t *testing.T) {
	if os.Getenv("WANT") == "sleep" {
		time.Sleep(time.Hour)
	}
}

func TestSettings(t *testing.T) {
	directory, _ := os.Getwd()
	fmt.Printf("settings %s %s %s %s\n", stamp, os.Getenv("FIXED"), os.Args[len(os.Args)-1], directory)
}

func FuzzD(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, n int) {})
}

func BenchmarkE(b *testing.B) {
	for b.Loop() {
	}
}
