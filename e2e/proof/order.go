package proof

import (
	"encoding/json"
	"fmt"
	"math/big"
)

// An order as writers are told of it and as the log has it, in the JSON that ewolff/microservice-atom gave it.
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

// cents is an amount of money.
type cents int64

// UnmarshalJSON reads a JSON number with at most two decimals.
func (c *cents) UnmarshalJSON(b []byte) error {
	r, ok := new(big.Rat).SetString(string(b))
	if !ok || !r.Mul(r, big.NewRat(100, 1)).IsInt() || !r.Num().IsInt64() {
		return fmt.Errorf("%s is no amount of money", b)
	}
	*c = cents(r.Num().Int64())
	return nil
}

// record is what a consumer keeps of an order.
type record struct {
	Customer customer `json:"customer"`
	Address  address  `json:"address"`
	Lines    []line   `json:"lines"`
}

// record is what a consumer should have of the order.
func (o order) record(c Consumer) record {
	r := record{o.Customer, o.Shipping, append([]line{}, o.Lines...)}
	if c.Billing {
		r.Address = o.Billing
	} else {
		for i := range r.Lines {
			r.Lines[i].Item.Price = 0
		}
	}
	return r
}

// text is a form that can be compared, without the time.
func (o order) text() string {
	o.Updated = ""
	return text(o)
}

// text is a form that can be compared.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
