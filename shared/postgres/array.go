package postgres

import "github.com/jackc/pgx/v5/pgtype"

// This file holds the one way in which a list goes to Postgres: as an array, in one parameter. The statement stays the same
// for any number of elements, so Postgres plans it once.

// Array returns list as a query parameter of array type: WHERE id = ANY (?).
func Array[T any](list []T) pgtype.Array[T] {
	return pgtype.Array[T]{
		Elements: list,
		Dims:     []pgtype.ArrayDimension{{Length: int32(len(list)), LowerBound: 1}},
		Valid:    true,
	}
}

// Rows holds rows that go to Postgres as one array per column. The statement turns them into rows again:
//
//	INSERT INTO t (id, name) SELECT * FROM unnest(?::bigint[], ?::text[])
type Rows struct{ columns [][]any }

// Add appends a row. All rows have the same number of values.
func (r *Rows) Add(values ...any) {
	if r.columns == nil {
		r.columns = make([][]any, len(values))
	}
	for i, v := range values {
		r.columns[i] = append(r.columns[i], v)
	}
}

// Len returns the number of rows.
func (r *Rows) Len() int {
	if len(r.columns) == 0 {
		return 0
	}
	return len(r.columns[0])
}

// Columns returns the query parameters: an array for each column.
func (r *Rows) Columns() []any {
	arrays := make([]any, len(r.columns))
	for i, c := range r.columns {
		arrays[i] = Array(c)
	}
	return arrays
}
