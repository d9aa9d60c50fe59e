// Stand-in for the part of the Arduino core that the sketches use.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HIGH 0x1
#define LOW 0x0
#define INPUT_PULLUP 0x2
#define OUTPUT 0x1
#define LED_BUILTIN 13

void pinMode(int pin, int mode);
void digitalWrite(int pin, int value);
int digitalRead(int pin);
unsigned long micros();
unsigned long millis();
void delay(unsigned long milliseconds);

class SerialPort {
 public:
  void begin(unsigned long baud);
  explicit operator bool() const;
  int available();
  int read();
  size_t print(const char *text);
  size_t print(char character);
  size_t print(int value);
  size_t print(unsigned int value);
  size_t print(unsigned long value);
  size_t print(double value);
  template <typename Value>
  size_t println(Value value) {
    const size_t written = print(value);
    return written + print('\n');
  }
};

extern SerialPort Serial;

void setup();
void loop();
