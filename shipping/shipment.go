// A shipment, as rows and as JSON with the names of the Java original (ewolff/microservice-atom).
package main

import (
	"msatom/shared/consumer"
)

// Status of a shipment: ready to be sent, or stopped because its order was cancelled.
const (
	ready   = "ready"
	stopped = "stopped"
)

// Shipment sends an order. Its data are copied from the order.
type Shipment struct {
	consumer.Record          // its id is the order's
	Customer        Customer `json:"customer" gorm:"embedded;embeddedPrefix:customer_"`
	Shipping        Address  `json:"shippingAddress" gorm:"embedded;embeddedPrefix:shipping_"`
	Lines           []Line   `json:"shipmentLine"`
}

// Customer receives it.
type Customer struct {
	ID        int64  `json:"customerId" gorm:"autoIncrement:false"`
	Name      string `json:"name"`
	Firstname string `json:"firstname"`
	Email     string `json:"email"`
}

// Address is where the shipment goes.
type Address struct {
	Street string `json:"street"`
	Zip    string `json:"zip"`
	City   string `json:"city"`
}

// Line parcels a number of pieces of one item.
type Line struct {
	ShipmentID int64 `json:"-" gorm:"primaryKey"`
	Number     int   `json:"-" gorm:"primaryKey"`
	Count      int   `json:"count"`
	Item       Item  `json:"item" gorm:"embedded"`
}

// Item is what was ordered.
type Item struct {
	ID   int64  `json:"itemId" gorm:"column:item_id;autoIncrement:false"`
	Name string `json:"name"`
}

// TableName is shipment.
func (Shipment) TableName() string { return "shipment" }

// TableName is shipment_line.
func (Line) TableName() string { return "shipment_line" }
