package system

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// loadPasswords reads the passwords of the database roles from passwords.json in dir and adds the missing ones: all of them with a
// new database, later one for each new service.
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
			return nil, fmt.Errorf("%s is missing, so nobody can open the database beside it: remove %s to start with an empty one", file, dir)
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
	// Renamed into place: half a file would lose the passwords of the database.
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return nil, err
	}
	return passwords, os.Rename(file+".new", file)
}
