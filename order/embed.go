package main

import (
	"embed"
	"io/fs"

	"msatom/shared/postgres"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

func migration() postgres.Migration {
	return postgres.Migration{Name: "order", Files: folder("migrations")}
}

func pages() fs.FS { return folder("pages") }

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the name is wrong, in this file
	}
	return sub
}
