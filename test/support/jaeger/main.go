// Jaeger in memory: its OTLP receiver, its storage and its query API (/api/v3), with ports that the system picks.
// The whole program has four times as many packages, among them the clients of five databases, and takes over ten
// minutes to build. Its packages are internal, so this module has a path below Jaeger's.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/gorilla/mux"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/jaegertracing/jaeger/cmd/query/app/apiv3"
	"github.com/jaegertracing/jaeger/cmd/query/app/querysvc/v2/querysvc"
	v1 "github.com/jaegertracing/jaeger/internal/storage/v1/memory"
	"github.com/jaegertracing/jaeger/internal/storage/v2/memory"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// A port that was free a moment ago: the receiver does not tell which one it got.
func freeAddress() string {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	return listener.Addr().String()
}

func main() {
	store := must(memory.NewStore(v1.Configuration{MaxTraces: 10_000}))

	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	config.HTTP.GetOrInsertDefault().ServerConfig.Endpoint = freeAddress()
	settings := receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
	}
	sink := must(consumer.NewTraces(store.WriteTraces))
	otlp := must(factory.CreateTraces(context.Background(), settings, config, sink))
	if err := otlp.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}

	router := mux.NewRouter()
	gateway := &apiv3.HTTPGateway{
		QueryService: querysvc.NewQueryService(store, store, querysvc.QueryServiceOptions{}),
		Logger:       zap.NewNop(),
		Tracer:       noop.NewTracerProvider(),
	}
	gateway.RegisterRoutes(router)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Printf("otlp http://%s query http://%s\n", config.HTTP.Get().ServerConfig.Endpoint, listener.Addr())
	log.Fatal(http.Serve(listener, router))
}
