// Package money holds amounts of one currency in whole cents. It never uses floating point: amounts are parsed from decimal text and
// written as decimal text, in JSON as a number with two decimals.
package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// Amount is a sum of money in cents. The zero value is 0.00.
type Amount int64

// Max is the largest amount that can be parsed: 90,071,992,547,409.91. Up to it, JavaScript's numbers are exact to the cent.
const Max = Amount(1<<53 - 1)

// ErrAmount is returned for text that is not an amount between -Max and Max with at most two decimals.
var ErrAmount = errors.New("not an amount of money with at most two decimals")

// Parse parses a decimal number as in JSON: "42", "42.5", "42.00" or "4.2e1".
func Parse(s string) (Amount, error) {
	if a, ok := parsePlain(s); ok {
		return a, nil
	}
	if len(s) > 32 || strings.ContainsAny(s, "/_xXpP") {
		return 0, ErrAmount
	}
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		if exp, err := strconv.Atoi(s[e+1:]); err != nil || exp < -20 || exp > 20 {
			return 0, ErrAmount
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, ErrAmount
	}
	r.Mul(r, big.NewRat(100, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, ErrAmount
	}
	a := Amount(r.Num().Int64())
	if a > Max || a < -Max {
		return 0, ErrAmount
	}
	return a, nil
}

// parsePlain parses the usual form, at most two decimals and no exponent. It reports false for any other text.
func parsePlain(s string) (Amount, bool) {
	units, decimals, _ := strings.Cut(s, ".")
	if len(units) == 0 || len(units) > 13 || len(decimals) > 2 || units[len(units)-1] < '0' || units[len(units)-1] > '9' {
		return 0, false
	}
	cents, err := strconv.ParseInt(units+(decimals + "00")[:2], 10, 64)
	return Amount(cents), err == nil
}

// Times returns a*n. The caller keeps it between -Max and Max.
func (a Amount) Times(n int) Amount { return a * Amount(n) }

// String returns the amount with two decimals and without grouping: "1234.50".
func (a Amount) String() string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	return fmt.Sprintf("%s%d.%02d", sign, a/100, a%100)
}

// Grouped returns the amount with grouped thousands, for people: "1,234.50".
func (a Amount) Grouped() string {
	s := a.String()
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 6; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// MarshalJSON writes a JSON number with two decimals.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON parses the text of a JSON number, not its binary approximation.
func (a *Amount) UnmarshalJSON(b []byte) error {
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// Value implements driver.Valuer for a numeric column.
func (a Amount) Value() (driver.Value, error) { return a.String(), nil }

// NumericValue implements pgtype.NumericValuer, which pgx uses for elements of arrays.
func (a Amount) NumericValue() (pgtype.Numeric, error) {
	return pgtype.Numeric{Int: big.NewInt(int64(a)), Exp: -2, Valid: true}, nil
}

// GormDataType returns the column type for gorm.
func (a Amount) GormDataType() string { return "numeric" }

// Scan implements sql.Scanner for a numeric column.
func (a *Amount) Scan(src any) error {
	var s string
	switch v := src.(type) {
	case string:
		s = v
	case []byte:
		s = string(v)
	case int64:
		s = strconv.FormatInt(v, 10)
	default:
		return fmt.Errorf("money: cannot read %T", src)
	}
	v, err := Parse(s)
	if err != nil {
		return err
	}
	*a = v
	return nil
}
