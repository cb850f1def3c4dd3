package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// An order in JSON, as order answers it and as the log carries it. The names are those of ewolff/microservice-atom.
type order struct {
	ID       int64    `json:"id"`
	Updated  string   `json:"updated"`
	Status   string   `json:"status"`
	Customer customer `json:"customer"`
	Shipping address  `json:"shippingAddress"`
	Billing  address  `json:"billingAddress"`
	Lines    []line   `json:"orderLine"`
}

type customer struct {
	ID        int64  `json:"customerId"`
	Name      string `json:"name"`
	Firstname string `json:"firstname"`
	Email     string `json:"email"`
}

type address struct {
	Street string `json:"street"`
	Zip    string `json:"zip"`
	City   string `json:"city"`
}

type line struct {
	Count int  `json:"count"`
	Item  item `json:"item"`
}

type item struct {
	ID    int64  `json:"itemId"`
	Name  string `json:"name"`
	Price cents  `json:"price"`
}

type cents int64

// UnmarshalJSON reads a JSON number with at most two decimals.
func (c *cents) UnmarshalJSON(b []byte) error {
	r, ok := new(big.Rat).SetString(string(b))
	if !ok || !r.Mul(r, big.NewRat(100, 1)).IsInt() || !r.Num().IsInt64() {
		return fmt.Errorf("%s is not an amount of money", b)
	}
	*c = cents(r.Num().Int64())
	return nil
}

// record is what a consumer keeps of an order.
type record struct {
	Void     bool     `json:"void"`
	Customer customer `json:"customer"`
	Address  address  `json:"address"`
	Lines    []line   `json:"lines"`
}

// record returns what c should keep of o.
func (o order) record(c Consumer) record {
	r := record{o.Status == "cancelled", o.Customer, o.Shipping, slices.Clone(o.Lines)}
	if c.Billing {
		r.Address = o.Billing
	} else {
		for i := range r.Lines {
			r.Lines[i].Item.Price = 0
		}
	}
	return r
}

// text returns the order in a form that can be compared and shown, without the time of its update.
func (o order) text() string {
	o.Updated = ""
	return text(o)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
