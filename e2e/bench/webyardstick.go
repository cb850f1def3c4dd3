package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/feeds"
	"github.com/labstack/echo/v4"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Yardsticks that are made of the same libraries as the services.

// echoNotModified answers 304 and does nothing else.
func echoNotModified(string) (http.Handler, error) {
	e := echo.New()
	e.GET("/*", func(c echo.Context) error { return c.NoContent(http.StatusNotModified) })
	return e, nil
}

// maxUpdated answers as the original does: the latest change is looked for in the whole table, for each request. The original has
// no index for that.
func maxUpdated(database string) (http.Handler, error) {
	db, err := open(database)
	e := echo.New()
	e.GET("/*", func(c echo.Context) error {
		var latest time.Time
		if err := db.WithContext(c.Request().Context()).Raw("SELECT max(changed) FROM orders").Scan(&latest).Error; err != nil {
			return err
		}
		if since, err := http.ParseTime(c.Request().Header.Get("If-Modified-Since")); err == nil && !latest.Truncate(time.Second).After(since) {
			return c.NoContent(http.StatusNotModified)
		}
		return c.NoContent(http.StatusOK)
	})
	return e, err
}

// What the way by gorm reads for a document: an order with its customer and its lines.
type (
	order struct {
		ID         int64
		CustomerID int64
		Customer   customer `gorm:"foreignKey:CustomerID;references:CustomerID"`
		Changed    time.Time
		Lines      []orderLine
	}
	customer struct {
		CustomerID      int64 `gorm:"primaryKey"`
		Name, Firstname string
	}
	orderLine struct {
		OrderID, Number int64
		Name            string
	}
)

func (order) TableName() string     { return "orders" }
func (customer) TableName() string  { return "customer" }
func (orderLine) TableName() string { return "order_line" }

// gormAndGorilla answers /n with the orders of document n: read by gorm with Preload, written by gorilla/feeds.
func gormAndGorilla(database string) (http.Handler, error) {
	db, err := open(database)
	e := echo.New()
	e.GET("/:n", func(c echo.Context) error {
		var n int64
		if err := echo.PathParamsBinder(c).Int64("n", &n).BindError(); err != nil {
			return err
		}
		var orders []order
		err := db.WithContext(c.Request().Context()).Preload("Customer").Preload("Lines").Where("id BETWEEN ? AND ?", (n-1)*100+1, n*100).Order("id DESC").Find(&orders).Error
		if err != nil {
			return err
		}
		f := &feeds.Feed{Title: "Order", Link: &feeds.Link{Href: "http://" + c.Request().Host}, Updated: time.Now()}
		for _, o := range orders {
			f.Items = append(f.Items, &feeds.Item{
				Id: fmt.Sprintf("tag:msatom.example,2026:order/%d", o.ID), Title: fmt.Sprintf("Order %d", o.ID), Updated: o.Changed,
				Link:        &feeds.Link{Href: fmt.Sprintf("http://%s/order/%d", c.Request().Host, o.ID)},
				Description: fmt.Sprintf("This is the order %d", o.ID),
				Content:     fmt.Sprintf("%d lines for %s %s", len(o.Lines), o.Customer.Firstname, o.Customer.Name),
			})
		}
		text, err := f.ToAtom()
		if err != nil {
			return err
		}
		c.Response().Header().Set("Content-Length", fmt.Sprint(len(text)))
		return c.Blob(http.StatusOK, "application/atom+xml", []byte(text))
	})
	return e, err
}

func open(database string) (*gorm.DB, error) {
	db, err := gorm.Open(postgres.Open(database), &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(8)
	return db, nil
}
