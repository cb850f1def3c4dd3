// What a shipment is, as rows and as JSON with the names that ewolff/microservice-atom gave it.
package main

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// What a shipment can be: ready to be sent, or stopped because its order was cancelled.
const (
	ready   = "ready"
	stopped = "stopped"
)

// Shipment sends an order. Its data are copies, as the order had them.
type Shipment struct {
	ID       int64     `json:"id" gorm:"primaryKey"` // the order's id
	Customer Customer  `json:"customer" gorm:"embedded;embeddedPrefix:customer_"`
	Updated  time.Time `json:"updated" gorm:"autoUpdateTime:false"`
	Shipping Address   `json:"shippingAddress" gorm:"embedded;embeddedPrefix:shipping_"`
	Lines    []Line    `json:"shipmentLine"`
	Status   string    `json:"status"`
	Instance string    `json:"instance"` // that wrote it
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

// Shipments is all shipments.
type Shipments struct{ db *gorm.DB }

// Get reads the shipment of an order. Errors: problem.Error 404.
func (s *Shipments) Get(ctx context.Context, id int64) (i Shipment, err error) {
	err = postgres.Snapshot(s.complete(ctx), func(tx *gorm.DB) error { return tx.Take(&i, "id = ?", id).Error })
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return i, problem.NotFound("There is no shipment for order %d, or not yet.", id)
	}
	i.Updated = i.Updated.UTC()
	return i, err
}

// List reads shipments, newest order first, and says whether there are more behind them.
func (s *Shipments) List(ctx context.Context, before int64, limit int) (list []Shipment, more bool, err error) {
	err = postgres.Snapshot(s.complete(ctx).Where("id < ?", before).Order("id DESC").Limit(limit+1), func(tx *gorm.DB) error { return tx.Find(&list).Error })
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	for i := range list {
		list[i].Updated = list[i].Updated.UTC()
	}
	return list, more, err
}

func (s *Shipments) complete(ctx context.Context) *gorm.DB {
	return s.db.WithContext(ctx).Preload("Lines", func(db *gorm.DB) *gorm.DB { return db.Order("number") })
}
