#!/bin/sh

date >> /tmp/counter.txt
cat /tmp/counter.txt | wc -l
