module example.com/server/v2

go 1.24
