// Reads a stream with net/http: go run client.go <url> <messages>
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
)

func open(url string) *http.Response {
	request, _ := http.NewRequest("GET", url, nil)
	request.Header.Set("Accept", "application/x-ndjson")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	return response
}

func main() {
	count, _ := strconv.Atoi(os.Args[2])
	response := open(os.Args[1])
	fmt.Println("ready")
	scanner := bufio.NewScanner(response.Body)
	scanner.Buffer(nil, 128*1024)
	for count > 0 && scanner.Scan() {
		var event struct{ Message any }
		if json.Unmarshal(scanner.Bytes(), &event) == nil && event.Message != nil {
			fmt.Println("got", event.Message)
			count--
		}
	}
	response.Body.Close()
	response = open(os.Args[1])
	fmt.Println("again")
	scanner = bufio.NewScanner(response.Body)
	for scanner.Scan() {
	}
	if scanner.Err() == nil {
		fmt.Println("ended")
	} else {
		fmt.Println("cut", scanner.Err())
	}
}
