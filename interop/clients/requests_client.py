# Reads a stream with requests, which reads through urllib3: python3 requests_client.py <url> <messages>
import json
import sys
import requests

url, count = sys.argv[1], int(sys.argv[2])
headers = {"Accept": "application/x-ndjson"}
with requests.get(url, headers=headers, stream=True) as response:
    print("ready", flush=True)
    for line in response.iter_lines():
        if not line:
            continue
        event = json.loads(line)
        if "message" in event:
            print("got", event["message"], flush=True)
            count -= 1
            if count == 0:
                break
try:
    with requests.get(url, headers=headers, stream=True) as response:
        print("again", flush=True)
        for line in response.iter_lines():
            pass
        print("ended", flush=True)
except Exception as error:
    print("cut", type(error).__name__, flush=True)
