package certs
