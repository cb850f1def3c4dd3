package system

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The database's passwords are made once, with the database or with a new service, and kept beside it for the next start.

// loadPasswords reads the passwords from dir, and makes those that are not there yet.
func loadPasswords(dir string, services []Service) (map[string]string, error) {
	file := filepath.Join(dir, "passwords.json")
	passwords := map[string]string{}
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &passwords); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	default:
		if _, err := os.Stat(filepath.Join(dir, "pg")); err == nil {
			return nil, fmt.Errorf("%s is gone: nobody can open the database beside it any more (remove %s to begin anew)", file, dir)
		}
		passwords[superuser] = rand.Text()
	}
	for _, service := range services {
		if passwords[service.Name] == "" {
			passwords[service.Name] = rand.Text()
		}
	}
	if text, err = json.MarshalIndent(passwords, "", "  "); err != nil {
		return nil, err
	}
	// Whole or not at all, as the database itself.
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return nil, err
	}
	return passwords, os.Rename(file+".new", file)
}
